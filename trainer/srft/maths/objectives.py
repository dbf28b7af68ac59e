"""S5 and S6: terms of the loss, each a sum over tokens with a denominator in sight.

A loss is sum over terms of (1 / Z) * sum over tokens of the term's `per_token`. Sums travel; the division by Z,
counted over the whole update, happens once, in `engine.update`. So a loss does not depend on how rows are packed,
except where the denominator says so by definition (`hpt`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from typing_extensions import assert_never

from srft.maths.tokens import Counts, TokenBatch
from srft.rows import TrainingRow

Denominator = Literal["shared", "per_stream_mean", "constant", "sequence_mean", "hpt"]
Part = Literal["imitation", "demo_policy", "own_policy", "entropy"]
"""Imitation of demonstrations, policy gradient on them, policy gradient on own tokens, regularisers on all tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Normaliser:
    """How the sum of a term becomes its share of the loss."""

    z: Callable[[Counts, Counts], float]
    """Z from the counts of the update and of the micro-batch; 0 where the term has no token."""
    divides_rows_by_length: bool = False
    """Each token also counts 1 / |o_i| (GRPO's mean over sequences)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One summand of the loss."""

    name: str
    per_token: Callable[[TokenBatch], Tensor]
    """[N]: what each token adds before the division by Z; 0 on tokens the term does not concern."""
    normaliser: Normaliser
    reaches_entropy: bool = False
    """The term's derivative reaches the model through the entropy too; the loss head then pays for it."""

    def summand_N(self, batch: TokenBatch) -> Tensor:
        """[N] what each token adds, 1 / |o_i| included where the normaliser has it."""
        summand_N = self.per_token(batch)
        if self.normaliser.divides_rows_by_length:
            summand_N = summand_N / batch.length_B[batch.row_N]
        return summand_N


@dataclass(frozen=True, slots=True, kw_only=True)
class RowWeight:
    """A weight per sequence, kept for the records; the terms compute their own."""

    name: str
    per_row: Callable[[TokenBatch], Tensor]
    """[B]; NaN on rows that have none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One optimiser step: which rows, under which terms (S5, S6), by which optimiser (S7)."""

    rows: tuple[TrainingRow, ...]
    terms: tuple[Term, ...]
    weights: tuple[RowWeight, ...] = ()
    """Only for the records."""
    optimiser: str = "policy"


def normaliser(kind: Denominator, part: Part, longest: int) -> Normaliser:
    """The denominators of docs/srft.md by name, for one part of the loss; `longest` is the response limit L_max.

    `shared`: all response tokens of the update, each demonstration once. `per_stream_mean`: the part's own tokens, the
    expectations of the paper taken literally. `constant`: rows times L_max (Dr.GRPO). `sequence_mean`: rows, after
    1 / |o_i| (GRPO). `hpt`: L_max for policy gradients, the micro-batch's token mean for the rest, so that this one, by
    definition, depends on the packing (HPT's re-implementation).
    """
    match kind:
        case "shared":
            return Normaliser(z=lambda update, micro: update.tokens)
        case "per_stream_mean":
            return Normaliser(z=lambda update, micro: _part_tokens(update, part))
        case "constant":
            return Normaliser(z=lambda update, micro: update.rows * longest)
        case "sequence_mean":
            return Normaliser(z=lambda update, micro: update.rows, divides_rows_by_length=True)
        case "hpt":
            if part in ("demo_policy", "own_policy"):
                return Normaliser(z=lambda update, micro: longest)
            return Normaliser(z=lambda update, micro: _part_tokens(micro, part))
        case _:
            assert_never(kind)


def _part_tokens(counts: Counts, part: Part) -> int:
    match part:
        case "imitation" | "demo_policy":
            return counts.demo_tokens
        case "own_policy":
            return counts.own_tokens
        case "entropy":
            return counts.tokens
        case _:
            assert_never(part)


def shaped(logprob_N: Tensor, gamma: float) -> Tensor:
    """f(p) = p / (p + gamma), LUFFY's reshaped demonstration ratio; df/dl = gamma p / (p + gamma)^2."""
    p_N = logprob_N.exp()
    return p_N / (p_N + gamma)


def ratio(batch: TokenBatch) -> Tensor:
    """[N] r = exp(l - l_old)."""
    return (batch.logprob_N - batch.old_logprob_N).exp()


def clipped_surrogate(batch: TokenBatch, clip_low: float | None, clip_high: float | None) -> Tensor:
    """[N] min(r A, clip(r, 1 - low, 1 + high) A) of PPO; without clips r A. To be maximised."""
    ratio_N = ratio(batch)
    surrogate_N = ratio_N * batch.advantage_N
    if clip_low is None and clip_high is None:
        return surrogate_N
    lowest = None if clip_low is None else 1 - clip_low
    highest = None if clip_high is None else 1 + clip_high
    return torch.minimum(surrogate_N, ratio_N.clamp(lowest, highest) * batch.advantage_N)


def kl_estimate(logprob_N: Tensor, reference_logprob_N: Tensor) -> Tensor:
    """[N] exp(d) - d - 1 with d = l_ref - l: never negative, 0 at equality (GRPO)."""
    d_N = reference_logprob_N - logprob_N
    return d_N.exp() - d_N - 1


def entropy_bonus(coefficient: float, normaliser: Normaliser) -> Term:
    """The term -coefficient * H, with gradient through H."""
    return Term(
        name="entropy_bonus",
        per_token=lambda batch: -coefficient * batch.entropy_N,
        normaliser=normaliser,
        reaches_entropy=True,
    )

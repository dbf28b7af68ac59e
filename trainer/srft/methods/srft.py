"""SRFT (arXiv 2506.19767): imitation and reinforcement in one step, weighed by entropy.

docs/srft.md sets the paper's symbols beside these names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from typing_extensions import assert_never

from srft.config import ResolvedSrft
from srft.maths.entropy_weights import entropy_weight, scoped_entropy_N
from srft.maths.objectives import RowWeight, Term, Update, entropy_bonus, normaliser, ratio, shaped
from srft.maths.tokens import TokenBatch
from srft.methods.groups import split_by_groups, united_rows, with_demonstration
from srft.methods.method import Composition, Group, Needs, Stateless
from srft.methods.settings import StepSettings
from srft.rows import Problem


@dataclass(frozen=True, slots=True)
class Srft(Stateless):
    """The method, from a recipe section whose preset is resolved."""

    config: ResolvedSrft
    settings: StepSettings
    name: Literal["srft"] = "srft"

    @property
    def needs(self) -> Needs:
        """Demonstrations where there are any; mean entropies only for scope `batch`."""
        return Needs(demonstrations="optional", mean_entropy=self.config.entropy_scope == "batch")

    def compose(self, problem: Problem, step: int) -> Composition:
        """Own rollouts plus the demonstration; one more rollout where there is none."""
        return with_demonstration(problem, self.config.rollouts)

    def updates(self, groups: Sequence[Group], step: int) -> list[Update]:
        """Eq. 7 for the advantages, Eq. 13 for the loss: a plain sum of the terms."""
        return [
            Update(
                rows=united_rows(
                    part,
                    divide_by_std=self.config.advantage_std,
                    demo_reward=self.config.demo_reward,
                    correct_at=self.settings.correct_at,
                ),
                terms=srft_terms(self.config, longest=self.settings.longest),
                weights=self._row_weights(),
            )
            for part in split_by_groups(groups, self.settings.updates_per_step)
        ]

    def _row_weights(self) -> tuple[RowWeight, ...]:
        def on_rows(batch: TokenBatch, weight_N: Tensor, rows_B: Tensor) -> Tensor:
            mean_B = torch.zeros_like(batch.length_B).index_add_(0, batch.row_N, weight_N) / batch.length_B
            return mean_B.masked_fill(~rows_B, float("nan"))

        return (
            RowWeight(name="w_sft", per_row=lambda batch: on_rows(batch, sft_weight(self.config, batch), batch.demo_B)),
            RowWeight(name="w_rl", per_row=lambda batch: on_rows(batch, rl_weight(self.config, batch), ~batch.demo_B)),
        )


def srft_terms(config: ResolvedSrft, *, longest: int) -> tuple[Term, ...]:
    """L_SFT + L_RL_demo + L_RL_self (Eq. 13), and the entropy bonus of the released code."""
    terms = (
        Term(
            name="demo_sft",
            per_token=lambda batch: demo_sft(config, batch),
            normaliser=normaliser(config.denominator, "imitation", longest),
        ),
        Term(
            name="demo_rl",
            per_token=lambda batch: demo_rl(config, batch),
            normaliser=normaliser(config.denominator, "demo_policy", longest),
        ),
        Term(
            name="self_rl",
            per_token=lambda batch: self_rl(config, batch),
            normaliser=normaliser(config.denominator, "own_policy", longest),
        ),
    )
    if config.entropy_bonus == 0:
        return terms
    return (*terms, entropy_bonus(config.entropy_bonus, normaliser(config.denominator, "entropy", longest)))


def sft_weight(config: ResolvedSrft, batch: TokenBatch) -> Tensor:
    """[N] w_SFT = 0.5 exp(-H), Eq. 8."""
    return entropy_weight(
        scoped_entropy_N(batch, config.entropy_scope), scale=config.sft_scale, sign=config.sft_entropy_sign
    )


def rl_weight(config: ResolvedSrft, batch: TokenBatch) -> Tensor:
    """[N] w_RL = 0.1 exp(+H), Eq. 12."""
    return entropy_weight(scoped_entropy_N(batch, config.entropy_scope), scale=config.rl_scale, sign=1)


def demo_sft(config: ResolvedSrft, batch: TokenBatch) -> Tensor:
    """[N] -w_SFT log pi on demonstrations (Eq. 5, 8)."""
    return torch.where(batch.demo_N, -sft_weight(config, batch) * batch.logprob_N, 0.0)


def demo_rl(config: ResolvedSrft, batch: TokenBatch) -> Tensor:
    """[N] -A f(p) on demonstrations (Eq. 9, 10): nobody sampled them, so pi_beta := 1, the ratio is p or f(p)."""
    match config.demo_ratio:
        case "shaped":
            ratio_N = shaped(batch.logprob_N, config.gamma)
        case "identity":
            ratio_N = batch.logprob_N.exp()
        case _:
            assert_never(config.demo_ratio)
    return torch.where(batch.demo_N, -batch.advantage_N * ratio_N, 0.0)


def self_rl(config: ResolvedSrft, batch: TokenBatch) -> Tensor:
    """[N] the term on own rollouts (Eq. 11, 12): w_RL on right answers, an unweighted push down on wrong ones."""
    weight_N = rl_weight(config, batch)
    match config.self_term:
        case "signed_logp":
            surrogate_N = batch.logprob_N
            pull_N = torch.where(batch.correct_N, weight_N, -config.negative_weight)
        case "signed_ratio":
            surrogate_N = ratio(batch)
            pull_N = torch.where(batch.correct_N, weight_N, -config.negative_weight)
        case "adv_ratio":
            surrogate_N = ratio(batch)
            pull_N = batch.advantage_N * torch.where(batch.advantage_N > 0, weight_N, 1.0)
        case _:
            assert_never(config.self_term)
    counts_N = ~batch.demo_N
    if config.skip_uniform_groups:
        counts_N = counts_N & batch.mixed_B[batch.row_N]
    if config.mask_tokens_with_prob_above is not None:
        counts_N = counts_N & (batch.logprob_N.detach().exp() <= config.mask_tokens_with_prob_above)
    return torch.where(counts_N, -pull_N * surrogate_N, 0.0)

"""What a token objective sees: the response tokens of a micro-batch, flat, with what is known of their rows.

Shape suffixes: N response tokens, B rows. Masked positions are not in here at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Sizes of a set of rows; those of a whole update are summed over its micro-batches and over all ranks."""

    rows: int
    demo_rows: int
    tokens: int
    demo_tokens: int

    @property
    def own_tokens(self) -> int:
        """Tokens of rows the policy wrote itself."""
        return self.tokens - self.demo_tokens

    def values(self) -> list[int]:
        """The counts in a fixed order, for summing over ranks."""
        return [getattr(self, field.name) for field in fields(self)]

    @staticmethod
    def of_values(values: Sequence[int]) -> Counts:
        """The counts that `values` gave."""
        return Counts(**{field.name: value for field, value in zip(fields(Counts), values, strict=True)})


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBatch:
    """The N response tokens of B rows. Only `logprob_N` and `entropy_N` carry gradients."""

    logprob_N: Tensor
    """l = log pi(token), at the sampling temperature."""
    entropy_N: Tensor
    """H, nats, full vocabulary, same distribution."""
    row_N: Tensor
    """[N] int64: the token's row."""
    old_logprob_N: Tensor
    """l under the policy that sampled; on tokens nobody sampled it equals l, detached, so that the ratio is 1."""
    reference_logprob_N: Tensor | None
    """l under the reference, where the method asked for one."""
    origin_N: Tensor
    """[N] bool: the token came from a demonstration."""
    advantage_N: Tensor
    """A of the token."""
    demo_B: Tensor
    """[B] bool: the row is a demonstration."""
    correct_B: Tensor
    """[B] bool: judged right."""
    mixed_B: Tensor
    """[B] bool: its group has right and wrong answers."""
    truncated_B: Tensor
    """[B] bool: ended by the length limit."""
    length_B: Tensor
    """[B] tokens of the row, as float."""
    mean_entropy: MeanEntropy | None
    """Of the whole update, measured before it; only where the method asked (`Needs.mean_entropy`)."""

    @property
    def demo_N(self) -> Tensor:
        """[N] bool: the token belongs to a demonstration."""
        return self.demo_B[self.row_N]

    @property
    def correct_N(self) -> Tensor:
        """[N] bool: the token belongs to a row judged right."""
        return self.correct_B[self.row_N]

    def row_entropy_B(self) -> Tensor:
        """[B] mean entropy of each row's tokens, detached."""
        total_B = torch.zeros_like(self.length_B).index_add_(0, self.row_N, self.entropy_N.detach())
        return total_B / self.length_B


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanEntropy:
    """Token means over a whole update, nats."""

    demo: float
    own: float

"""LUFFY (arXiv 2504.14945): the demonstration joins the group, its tokens weighted by p / (p + gamma)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from srft.config import LuffyConfig
from srft.maths.objectives import Term, Update, entropy_bonus, normaliser, ratio, shaped
from srft.maths.tokens import TokenBatch
from srft.methods.groups import split_by_groups, united_rows, with_demonstration
from srft.methods.method import Composition, Group, Needs, Stateless
from srft.methods.settings import StepSettings
from srft.rows import Problem


@dataclass(frozen=True, slots=True)
class Luffy(Stateless):
    """SRFT without its imitation term, and with the advantage on own tokens."""

    config: LuffyConfig
    settings: StepSettings
    name: Literal["luffy"] = "luffy"

    @property
    def needs(self) -> Needs:
        """Demonstrations where there are any."""
        return Needs(demonstrations="optional")

    def compose(self, problem: Problem, step: int) -> Composition:
        """Own rollouts plus the demonstration; one more rollout where there is none."""
        return with_demonstration(problem, self.config.rollouts)

    def updates(self, groups: Sequence[Group], step: int) -> list[Update]:
        """Advantages over the united group; no clip."""
        return [
            Update(
                rows=united_rows(
                    part,
                    divide_by_std=self.config.advantage_std,
                    demo_reward=self.config.demo_reward,
                    correct_at=self.settings.correct_at,
                ),
                terms=self._terms(),
            )
            for part in split_by_groups(groups, self.settings.updates_per_step)
        ]

    def _terms(self) -> tuple[Term, ...]:
        kind, longest = self.config.denominator, self.settings.longest
        terms = (
            Term(
                name="demo_rl",
                per_token=self._demo_rl,
                normaliser=normaliser(kind, "demo_policy", longest),
            ),
            Term(name="self_rl", per_token=_self_rl, normaliser=normaliser(kind, "own_policy", longest)),
        )
        if self.config.entropy_bonus:
            terms += (entropy_bonus(self.config.entropy_bonus, normaliser("shared", "entropy", longest)),)
        return terms

    def _demo_rl(self, batch: TokenBatch) -> Tensor:
        return torch.where(batch.demo_N, -batch.advantage_N * shaped(batch.logprob_N, self.config.gamma), 0.0)


def _self_rl(batch: TokenBatch) -> Tensor:
    return torch.where(batch.demo_N, 0.0, -batch.advantage_N * ratio(batch))

"""GRPO (arXiv 2402.03300); Dr.GRPO (2503.20783) and DAPO (2503.14476) are settings of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from srft.config import GrpoConfig
from srft.maths.advantages import has_mixed_outcomes
from srft.maths.objectives import Term, Update, clipped_surrogate, entropy_bonus, kl_estimate, normaliser
from srft.maths.tokens import TokenBatch
from srft.methods.groups import advantage_rows, split_by_groups
from srft.methods.method import Composition, FrozenReference, Group, Needs, Stateless
from srft.methods.settings import StepSettings
from srft.rows import Problem


@dataclass(frozen=True, slots=True)
class Grpo(Stateless):
    """Own rollouts only; the group is the baseline."""

    config: GrpoConfig
    settings: StepSettings
    name: Literal["grpo"] = "grpo"

    @property
    def needs(self) -> Needs:
        """The starting weights when there is a KL, rounds of refilling under dynamic sampling."""
        sampling = self.config.dynamic_sampling
        return Needs(
            demonstrations="unused",
            reference=FrozenReference() if self.config.kl else None,
            dynamic_sampling_rounds=1 if sampling is None else sampling.max_rounds,
        )

    def compose(self, problem: Problem, step: int) -> Composition:
        """Own rollouts."""
        return Composition(rollouts=self.config.rollouts)

    def keeps(self, group: Group) -> bool:
        """DAPO trains on groups with mixed outcomes only."""
        return self.config.dynamic_sampling is None or has_mixed_outcomes([row.correct for row in group.rows])

    def updates(self, groups: Sequence[Group], step: int) -> list[Update]:
        """Group advantages, clipped surrogate, optional KL."""
        return [
            Update(
                rows=tuple(
                    row
                    for group in part
                    for row in advantage_rows(group, divide_by_std=self.config.advantage_std)
                    if not (self.config.mask_truncated and row.row.truncated)
                ),
                terms=self._terms(),
            )
            for part in split_by_groups(groups, self.settings.updates_per_step)
        ]

    def _terms(self) -> tuple[Term, ...]:
        config, longest = self.config, self.settings.longest
        policy_normaliser = normaliser(config.denominator, "own_policy", longest)
        terms = (
            Term(
                name="self_rl",
                per_token=lambda batch: -clipped_surrogate(batch, config.clip_low, config.clip_high),
                normaliser=policy_normaliser,
            ),
        )
        if config.kl:
            terms += (Term(name="kl", per_token=self._kl, normaliser=policy_normaliser),)
        if config.entropy_bonus:
            terms += (entropy_bonus(config.entropy_bonus, normaliser("shared", "entropy", longest)),)
        return terms

    def _kl(self, batch: TokenBatch) -> Tensor:
        if batch.reference_logprob_N is None:
            raise ValueError("the KL term needs reference log-probs")
        return self.config.kl * kl_estimate(batch.logprob_N, batch.reference_logprob_N)

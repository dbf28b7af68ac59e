"""Supervised fine-tuning on the demonstrations: L = -(1/Z) sum log pi, Z = demonstration tokens of the whole update."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from srft.config import SftConfig
from srft.maths.objectives import Term, Update, entropy_bonus, normaliser
from srft.methods.groups import split_by_groups
from srft.methods.method import Composition, Group, Needs, Stateless
from srft.methods.settings import StepSettings
from srft.rows import Problem, TrainingRow


@dataclass(frozen=True, slots=True)
class Sft(Stateless):
    """Only prompts with a demonstration have a group; nothing is sampled."""

    config: SftConfig
    settings: StepSettings
    name: Literal["sft"] = "sft"

    @property
    def needs(self) -> Needs:
        """Demonstrations."""
        return Needs(demonstrations="required")

    def compose(self, problem: Problem, step: int) -> Composition:
        """The demonstration alone."""
        return Composition(demonstrations=1)

    def updates(self, groups: Sequence[Group], step: int) -> list[Update]:
        """Plain cross-entropy, one denominator for all micro-batches and ranks."""
        longest = self.settings.longest
        terms = (
            Term(
                name="demo_sft",
                per_token=lambda batch: torch.where(batch.demo_N, -batch.logprob_N, 0.0),
                normaliser=normaliser("per_stream_mean", "imitation", longest),
            ),
        )
        if self.config.entropy_bonus:
            terms += (entropy_bonus(self.config.entropy_bonus, normaliser("shared", "entropy", longest)),)
        return [
            Update(
                rows=tuple(TrainingRow(row=row, advantage=0.0, mixed=False) for group in part for row in group.rows),
                terms=terms,
            )
            for part in split_by_groups(groups, self.settings.updates_per_step)
        ]

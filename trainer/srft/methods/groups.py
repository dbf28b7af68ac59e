"""What methods do with judged groups: advantages for their rows, and a split into updates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from srft.maths.advantages import group_advantages, has_mixed_outcomes
from srft.methods.method import Group
from srft.rows import Kind, TrainingRow


def advantage_rows(group: Group, *, divide_by_std: bool) -> list[TrainingRow]:
    """All rows of a group with their group advantage."""
    advantages_G = group_advantages([row.reward for row in group.rows], divide_by_std=divide_by_std)
    mixed = has_mixed_outcomes([row.correct for row in group.rows])
    return [
        TrainingRow(row=row, advantage=float(advantage), mixed=mixed)
        for row, advantage in zip(group.rows, advantages_G, strict=True)
    ]


def with_demo_reward(group: Group, demo_reward: Literal["verify", "assume_correct"], correct_at: float) -> Group:
    """The group as judged, or with its demonstration taken as right."""
    if demo_reward == "verify":
        return group
    rows = tuple(
        replace(row, reward=correct_at, correct=True) if row.kind is Kind.DEMONSTRATION else row for row in group.rows
    )
    return replace(group, rows=rows)


def split_by_groups(groups: Sequence[Group], count: int) -> list[Sequence[Group]]:
    """The step's groups in `count` runs of nearly equal size, in order; fewer when there are fewer groups."""
    count = max(1, min(count, len(groups)))
    bounds = [round(number * len(groups) / count) for number in range(count + 1)]
    return [groups[start:end] for start, end in pairwise(bounds)]

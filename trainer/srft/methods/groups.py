"""What methods share: composing a group, advantages for its rows, a split into updates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from srft.maths.advantages import group_advantages, has_mixed_outcomes
from srft.methods.method import Composition, Group
from srft.rows import Kind, Problem, TrainingRow


def advantage_rows(group: Group, *, divide_by_std: bool) -> list[TrainingRow]:
    """All rows of a group with their group advantage."""
    advantages_G = group_advantages([row.reward for row in group.rows], divide_by_std=divide_by_std)
    mixed = has_mixed_outcomes([row.correct for row in group.rows])
    return [
        TrainingRow(row=row, advantage=float(advantage), mixed=mixed)
        for row, advantage in zip(group.rows, advantages_G, strict=True)
    ]


def united_rows(
    groups: Sequence[Group],
    *,
    divide_by_std: bool,
    demo_reward: Literal["verify", "assume_correct"],
    correct_at: float,
) -> tuple[TrainingRow, ...]:
    """All rows of groups in which a demonstration counts as a member, judged or taken as right (Eq. 6, 7)."""

    def with_demo_reward(group: Group) -> Group:
        if demo_reward == "verify":
            return group
        rows = tuple(
            replace(row, reward=correct_at, correct=True) if row.kind is Kind.DEMONSTRATION else row
            for row in group.rows
        )
        return replace(group, rows=rows)

    return tuple(
        row for group in groups for row in advantage_rows(with_demo_reward(group), divide_by_std=divide_by_std)
    )


def with_demonstration(problem: Problem, rollouts: int) -> Composition:
    """Own rollouts plus the demonstration; where there is none, one more rollout."""
    if problem.demonstration_ids is None:
        return Composition(rollouts=rollouts + 1)
    return Composition(rollouts=rollouts, demonstrations=1)


def split_by_groups(groups: Sequence[Group], count: int) -> list[Sequence[Group]]:
    """The step's groups in `count` runs of nearly equal size, in order; fewer when there are fewer groups."""
    count = max(1, min(count, len(groups)))
    bounds = [round(number * len(groups) / count) for number in range(count + 1)]
    return [groups[start:end] for start, end in pairwise(bounds)]

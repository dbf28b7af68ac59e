"""What a method takes from the rest of the recipe."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSettings:
    """Sizes that reach into a method."""

    updates_per_step: int
    longest: int
    """L_max: the response limit in tokens."""
    correct_at: float
    """The reward of a right answer, for `demo_reward = assume_correct`."""

"""What a method is to the loop: it declares what it needs and turns judged groups into updates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from srft.maths.objectives import Update
from srft.rows import Problem, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """S1: what one prompt's group is made of."""

    rollouts: int = 0
    demonstrations: Literal[0, 1] = 0
    prefix_lengths: tuple[int, ...] = ()
    """A hybrid for each: so many demonstration tokens are given, the policy goes on from there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenReference:
    """The starting weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingReference:
    """An exponential moving average of the policy: ref = decay * ref + (1 - decay) * theta after each step (S8)."""

    decay: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a method asks of the loop, before the first step."""

    demonstrations: Literal["required", "optional", "unused"]
    reference: FrozenReference | MovingReference | None = None
    mean_entropy: bool = False
    """A forward pass over each update before it, for `TokenBatch.mean_entropy`."""
    optimisers: tuple[str, ...] = ("policy",)
    """Names an `Update` may use; each has its own state."""
    dynamic_sampling_rounds: int = 1
    """Rounds of refilling groups that `keeps` refuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """All sequences of one prompt in one step, judged (after S3)."""

    problem: Problem
    rows: tuple[Row, ...]


class Method(Protocol):
    """A method: SRFT, a baseline, or one that lives only in a test."""

    @property
    def name(self) -> str:
        """As the recipe calls it; the phase of the step event."""
        ...

    @property
    def needs(self) -> Needs:
        """What the loop has to provide."""
        ...

    def compose(self, problem: Problem, step: int) -> Composition:
        """S1: the group of a prompt in this step."""
        ...

    def keeps(self, group: Group) -> bool:
        """Dynamic sampling: may this group be trained on, or is another prompt drawn in its place?"""
        ...

    def updates(self, groups: Sequence[Group], step: int) -> list[Update]:
        """S4 to S6: the step's updates, in order. Called once a step."""
        ...

    def state(self) -> Mapping[str, Any]:
        """What must survive a resume, as JSON; most methods have none."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        ...


class Stateless:
    """The parts of a method that most share: every group is kept, and nothing survives a step."""

    __slots__ = ()

    def keeps(self, group: Group) -> bool:
        """Every group is kept."""
        return True

    def state(self) -> Mapping[str, Any]:
        """Nothing."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to take back."""

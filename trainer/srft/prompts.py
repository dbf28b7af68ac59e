"""S0: which problems a step gets. The order follows from seed and epoch, so that one number is all its state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from srft.rows import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A problem, and how often it was drawn before within the same step (a step may be longer than an epoch)."""

    problem: Problem
    occurrence: int


class PromptSource:
    """Goes through all problems once an epoch, in a fresh order each time."""

    def __init__(self, problems: Sequence[Problem], seed: int) -> None:
        self._problems = problems
        self._seed = seed
        self._epoch_order: tuple[int, np.ndarray] | None = None
        self.cursor = 0
        """Problems passed since the run began."""

    def draw(self, count: int, accept: Callable[[Problem], bool], seen: dict[str, int]) -> list[Drawn]:
        """The next `count` problems that `accept` takes; the others are passed over.

        `seen` counts the step's draws by problem and is brought up to date. At least one problem must be acceptable.
        """
        drawn: list[Drawn] = []
        while len(drawn) < count:
            problem = self._at(self.cursor)
            self.cursor += 1
            if accept(problem):
                drawn.append(Drawn(problem=problem, occurrence=seen.get(problem.id, 0)))
                seen[problem.id] = seen.get(problem.id, 0) + 1
        return drawn

    def _at(self, position: int) -> Problem:
        epoch, place = divmod(position, len(self._problems))
        if self._epoch_order is None or self._epoch_order[0] != epoch:
            self._epoch_order = (epoch, np.random.default_rng([self._seed, epoch]).permutation(len(self._problems)))
        return self._problems[self._epoch_order[1][place]]

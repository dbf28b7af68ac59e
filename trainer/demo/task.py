"""The demo's task: word problems of chained sums, the authors who solve them, and a reader of their solutions.

Standard library only; every draw takes its `random.Random`, so that the same seeds give the same problems everywhere.

    Ana has 85 shells. sells 3, gets 3, wins 8, wins 5. How many now?

An *author* writes a solution. A careful author is always right. A sloppy one makes the two mistakes pupils make most:
the smaller digit taken from the larger (`81-3=82`, because 3-1 is 2) and the forgotten carry (`16+8=14`).
The first makes the result too large by twice the difference of the digits, the second too small by ten; they could only
cancel where the digits differ by exactly five, and there nobody slips (see `slips_possible`).
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

NAMES = ("Mia", "Leo", "Ana", "Tom", "Zoe", "Sam")
ITEMS = ("coins", "apples", "books", "cards", "shells", "stamps")
GAINING_VERBS = ("gets", "finds", "wins")
LOSING_VERBS = ("gives", "loses", "sells")

SMALLEST_OPERAND, LARGEST_OPERAND = 2, 9
SMALLEST_START, LARGEST_START = 11, 89
SMALLEST_VALUE, LARGEST_VALUE = 1, 99

FIRST_LINES = ("", "start {start}\n", "{name} has {start}\n", "{start} {item}\n")
LINES_BEFORE = ("so\n", "then\n", "now\n", "next\n", "{verb} {operand}\n")
LINES_AFTER = ("ok\n", "yes\n", "good\n", "{result} {item}\n")
LAST_LINES = ("", "done\n", "that is {result}\n", "{result} {item}\n")
"""What a talkative author writes around the equations, which stay on lines of their own."""
CHANCE_BEFORE, CHANCE_AFTER = 0.5, 0.4


@dataclass(frozen=True, slots=True)
class Operation:
    """One addition or subtraction."""

    sign: Literal["+", "-"]
    operand: int

    def apply(self, value: int) -> int:
        """The right result."""
        return value + self.operand if self.sign == "+" else value - self.operand


Key = tuple[int, tuple[Operation, ...]]
"""What makes two problems the same whatever their words: the start and the operations."""


@dataclass(frozen=True, slots=True)
class WordProblem:
    """A problem in numbers and in words."""

    start: int
    operations: tuple[Operation, ...]
    name: str
    item: str
    verbs: tuple[str, ...]

    @property
    def key(self) -> Key:
        """Start and operations."""
        return self.start, self.operations

    @property
    def values(self) -> tuple[int, ...]:
        """The start and the right value after each operation."""
        values = [self.start]
        for operation in self.operations:
            values.append(operation.apply(values[-1]))
        return tuple(values)

    @property
    def answer(self) -> int:
        """The last value."""
        return self.values[-1]

    @property
    def text(self) -> str:
        """The question as the user asks it."""
        events = ", ".join(
            f"{verb} {operation.operand}" for verb, operation in zip(self.verbs, self.operations, strict=True)
        )
        return f"{self.name} has {self.start} {self.item}. {events}. How many now?"


def draw_problem(rng: random.Random, operation_count: int) -> WordProblem:
    """A problem whose values all lie within 1 and 99."""
    start = value = rng.randint(SMALLEST_START, LARGEST_START)
    operations: list[Operation] = []
    while len(operations) < operation_count:
        operation = Operation(rng.choice(("+", "-")), rng.randint(SMALLEST_OPERAND, LARGEST_OPERAND))
        result = operation.apply(value)
        if SMALLEST_VALUE <= result <= LARGEST_VALUE:
            operations.append(operation)
            value = result
    verbs = tuple(rng.choice(GAINING_VERBS if operation.sign == "+" else LOSING_VERBS) for operation in operations)
    return WordProblem(start, tuple(operations), rng.choice(NAMES), rng.choice(ITEMS), verbs)


# ---------------------------------------------------------------- authors


@dataclass(frozen=True, slots=True)
class Author:
    """How somebody works: how often they slip, and how much their wording varies."""

    slip_small: float = 0.0
    """Chance of a slip at a carry or borrow whose operand is below `HARD_OPERAND`."""
    slip_large: float = 0.0
    """The same from `HARD_OPERAND` on: nobody likes to count that far."""
    skip: float = 0.0
    """Chance of leaving one operation out."""
    blurt: float = 0.0
    """Chance of answering without reasoning, close to the truth but wrong."""
    terse: bool = True
    """Only the equations, as in the demonstrations; otherwise words come between them, by chance."""


HARD_OPERAND = 6
CAREFUL = Author()


def carries_or_borrows(value: int, operation: Operation) -> bool:
    """Does the units digit overflow or underflow?"""
    units = value % 10
    return units + operation.operand >= 10 if operation.sign == "+" else units < operation.operand


def slips_possible(value: int, operation: Operation) -> bool:
    """Only at a carry or borrow, and not at a borrow of digits that differ by five.

    There the slip would be too large by ten, exactly what a forgotten carry takes away: a second slip could hide the
    first, and a right answer would no longer speak for right reasoning.
    """
    if not carries_or_borrows(value, operation):
        return False
    return operation.sign == "+" or operation.operand - value % 10 != 5


def slipped_result(value: int, operation: Operation) -> int:
    """The pupil's wrong result: the carry forgotten, or the smaller digit taken from the larger."""
    tens, units = value - value % 10, value % 10
    if operation.sign == "+":
        return tens + (units + operation.operand) % 10
    return tens + abs(units - operation.operand)


def demonstration(problem: WordProblem) -> str:
    """The right solution, in bare lines."""
    return write_solution(problem, CAREFUL, random.Random(0))


def write_solution(problem: WordProblem, author: Author, rng: random.Random) -> str:
    """What the author hands in: the reasoning between think tags, then the boxed answer."""
    if rng.random() < author.blurt:
        return f"<think>\n</think>\n\\boxed{{{max(1, problem.answer + rng.choice((-10, -2, -1, 1, 2, 10)))}}}"
    events = list(zip(problem.operations, problem.verbs, strict=True))
    if len(events) > 1 and rng.random() < author.skip:
        events.pop(rng.randrange(len(events)))
    words = {"name": problem.name, "item": problem.item, "start": problem.start}
    value = problem.start
    lines = [] if author.terse else [rng.choice(FIRST_LINES).format(**words)]
    for operation, verb in events:
        slip = author.slip_large if operation.operand >= HARD_OPERAND else author.slip_small
        slipped = slips_possible(value, operation) and rng.random() < slip
        result = slipped_result(value, operation) if slipped else operation.apply(value)
        words |= {"verb": verb, "operand": operation.operand, "result": result}
        if not author.terse and rng.random() < CHANCE_BEFORE:
            lines.append(rng.choice(LINES_BEFORE).format(**words))
        lines.append(f"{value}{operation.sign}{operation.operand}={result}\n")
        if not author.terse and rng.random() < CHANCE_AFTER:
            lines.append(rng.choice(LINES_AFTER).format(**words))
        value = result
    if not author.terse:
        lines.append(rng.choice(LAST_LINES).format(**words))
    return f"<think>\n{''.join(lines)}</think>\n\\boxed{{{value}}}"


# ---------------------------------------------------------------- reading a solution


@dataclass(frozen=True, slots=True)
class Reading:
    """What a solution says, judged against its problem."""

    right: bool
    """The form is kept and the only boxed answer is the right one."""
    steps: int
    """Equations in the reasoning."""
    steps_right: int
    """Of these, the ones that are true."""
    chained: bool
    """The first equation starts from the problem's start, each other from the result before it."""

    @property
    def steps_valid(self) -> bool:
        """There is reasoning, every equation is true, and they form a chain."""
        return self.steps > 0 and self.steps == self.steps_right and self.chained


_FORM = re.compile(r"<think>(?P<thought>.*)</think>(?P<rest>.*)", re.DOTALL)
_BOXED = re.compile(r"\\boxed\{(-?\d+)\}")
_EQUATION = re.compile(r"^(\d+)([+-])(\d+)=(-?\d+)$", re.MULTILINE)


def read_solution(text: str, problem: WordProblem) -> Reading:
    """Judge a response (its end token taken off)."""
    form = _FORM.fullmatch(text.strip())
    if form is None or text.count("<think>") != 1 or text.count("</think>") != 1:
        return Reading(False, 0, 0, False)
    equations = [
        (int(left), Operation("+" if sign == "+" else "-", int(operand)), int(result))
        for left, sign, operand, result in _EQUATION.findall(form["thought"])
    ]
    answers = _BOXED.findall(form["rest"])
    expected_starts = [problem.start, *(result for _, _, result in equations)]
    return Reading(
        right=answers == [str(problem.answer)],
        steps=len(equations),
        steps_right=sum(operation.apply(left) == result for left, operation, result in equations),
        chained=all(left == start for (left, _, _), start in zip(equations, expected_starts, strict=False)),
    )


def keys(problems: Sequence[WordProblem]) -> frozenset[Key]:
    """The keys of a set of problems, to keep them out of another."""
    return frozenset(problem.key for problem in problems)

"""The demo's three sets of problems, and their files."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from demo.task import Key, WordProblem, demonstration, draw_problem, keys

OPERATIONS = 4
HELD_OUT_PROBLEMS = FINAL_PROBLEMS = 256
TRAIN_PROBLEMS = 512


@dataclass(frozen=True, slots=True)
class Data:
    """The three sets of problems; no two problems of them have the same start and operations."""

    train: Sequence[WordProblem]
    held_out: Sequence[WordProblem]
    final: Sequence[WordProblem]

    @property
    def reserved(self) -> frozenset[Key]:
        """What no training set of any stage may contain."""
        return keys([*self.held_out, *self.final])


def draw_data() -> Data:
    """The evaluation problems first, so that everything later can keep clear of them."""
    rng = random.Random(2026)
    taken: set[Key] = set()

    def draw(count: int) -> list[WordProblem]:
        problems: list[WordProblem] = []
        while len(problems) < count:
            problem = draw_problem(rng, OPERATIONS)
            if problem.key not in taken:
                taken.add(problem.key)
                problems.append(problem)
        return problems

    held_out, final = draw(HELD_OUT_PROBLEMS), draw(FINAL_PROBLEMS)
    return Data(train=draw(TRAIN_PROBLEMS), held_out=held_out, final=final)


def data_files(data: Data) -> dict[str, str]:
    """The three files by name."""
    return {
        f"{name}.jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        for name, rows in (
            ("train", _rows("train", data.train)),
            ("held_out", _rows("held-out", data.held_out)),
            ("final", _rows("final", data.final)),
        )
    }


def _rows(prefix: str, problems: Sequence[WordProblem]) -> Iterable[Mapping[str, str]]:
    for number, problem in enumerate(problems):
        yield {
            "id": f"{prefix}-{number:04d}",
            "prompt": problem.text,
            "answer": str(problem.answer),
            "demonstration": demonstration(problem),
        }

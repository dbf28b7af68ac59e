"""Leakage: do evaluation problems occur among what was trained on? Exactly, or by a shared run of 13 words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from srft.rows import Problem

NGRAM = 13
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapReport:
    """What was found; ids are of evaluation problems, in their order."""

    evaluation_count: int
    training_count: int
    exact: tuple[str, ...]
    """Their question is, words normalised, the question of a training problem."""
    in_prompts: tuple[str, ...]
    """They share a run of 13 words with a training problem's question."""
    in_demonstrations: tuple[str, ...]
    """They share a run of 13 words with a demonstration."""

    @property
    def any(self) -> tuple[str, ...]:
        """Ids that overlap in any way, without repetition."""
        return tuple(dict.fromkeys((*self.exact, *self.in_prompts, *self.in_demonstrations)))

    def __str__(self) -> str:
        return (
            f"{len(self.any)} of {self.evaluation_count} evaluation problems overlap with the training data: "
            f"{len(self.exact)} exactly, {len(self.in_prompts)} share {NGRAM} words with a prompt, "
            f"{len(self.in_demonstrations)} with a demonstration"
        )


def find_overlap(evaluation: Sequence[Problem], training: Iterable[Problem]) -> OverlapReport:
    """Compare all evaluation problems with all training problems, in one pass over the training texts."""
    questions: dict[tuple[str, ...], list[int]] = {}
    ngrams: dict[tuple[str, ...], list[int]] = {}
    for number, problem in enumerate(evaluation):
        words = normalised_words(problem.question)
        questions.setdefault(tuple(words), []).append(number)
        for ngram in {tuple(words[at : at + NGRAM]) for at in range(len(words) - NGRAM + 1)}:
            ngrams.setdefault(ngram, []).append(number)
    starts = {ngram[:2] for ngram in ngrams}
    exact: set[int] = set()
    prompts: set[int] = set()
    demonstrations: set[int] = set()
    count = 0
    for problem in training:
        count += 1
        words = normalised_words(problem.question)
        exact.update(questions.get(tuple(words), ()))
        _collect(words, ngrams, starts, prompts)
        if problem.demonstration_text and ngrams:
            _collect(normalised_words(problem.demonstration_text), ngrams, starts, demonstrations)
    ids = [problem.id for problem in evaluation]
    return OverlapReport(
        evaluation_count=len(ids),
        training_count=count,
        exact=tuple(ids[number] for number in sorted(exact)),
        in_prompts=tuple(ids[number] for number in sorted(prompts)),
        in_demonstrations=tuple(ids[number] for number in sorted(demonstrations)),
    )


def normalised_words(text: str) -> list[str]:
    """Words and numbers in lower case and one form of Unicode; punctuation and white space are gone."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def _collect(
    words: list[str], ngrams: dict[tuple[str, ...], list[int]], starts: set[tuple[str, ...]], found: set[int]
) -> None:
    for at, pair in enumerate(pairwise(words)):
        if pair in starts:
            found.update(ngrams.get(tuple(words[at : at + NGRAM]), ()))

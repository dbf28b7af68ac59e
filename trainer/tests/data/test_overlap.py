"""Overlap between evaluation and training: what counts, and what does not."""

from __future__ import annotations

import random

import pytest

from srft.data import find_overlap
from srft.data.overlap import NGRAM, normalised_words
from srft.rows import Problem


def problem(question: str, name: str = "", demonstration: str | None = None) -> Problem:
    return Problem(
        id=name or question[:8],
        prompt_text=question,
        prompt_ids=(),
        answer="1",
        question=question,
        opened_tag=False,
        demonstration_text=demonstration,
    )


LONG = "Ana has five red shells and Tom takes two of them to the far blue sea"


@pytest.mark.parametrize(
    ("question", "training", "exact", "prompts", "demonstrations"),
    [
        ("What is 2 + 2?", problem("what is 2+2"), True, False, False),
        ("What is 2 + 2?", problem("what is 2+3"), False, False, False),
        ("ｗhat is ２?", problem("What IS 2"), True, False, False),
        (LONG, problem("Listen: " + LONG.upper() + "!"), False, True, False),
        (LONG, problem(" ".join(LONG.split()[:NGRAM])), False, True, False),
        (LONG, problem(" ".join(LONG.split()[-NGRAM:])), False, True, False),
        (" ".join(LONG.split()[:NGRAM]), problem(LONG), False, True, False),
        (LONG, problem(" ".join(LONG.split()[: NGRAM - 1])), False, False, False),
        (LONG, problem("x", demonstration="We know: " + LONG), False, False, True),
        (LONG, problem(LONG, demonstration=LONG), True, True, True),
    ],
)
def test_kinds_of_overlap(question, training, exact, prompts, demonstrations):
    report = find_overlap([problem(question, "e")], [training])
    found = (bool(report.exact), bool(report.in_prompts), bool(report.in_demonstrations))
    assert found == (exact, prompts, demonstrations)
    assert report.any == (("e",) if any(found) else ())


def test_report_names_problems_in_order_and_counts():
    evaluation = [problem("a b", "1"), problem("c d", "2"), problem("a, b", "3")]
    report = find_overlap(evaluation, (problem(text) for text in ["A B.", "a b", "zz"]))
    assert report.exact == ("1", "3")
    assert (report.evaluation_count, report.training_count) == (3, 3)
    assert str(report).startswith("2 of 3 evaluation problems overlap with the training data: 2 exactly, 0 share")


def test_agrees_with_the_definition():
    """Against the plain definition, on texts of few words, where chance makes overlaps."""
    rng = random.Random(0)
    texts = [" ".join(rng.choices("ab", k=rng.randint(12, 20))) for _ in range(60)]
    evaluation = [problem(text, str(number)) for number, text in enumerate(texts[:20])]
    training = [problem(text) for text in texts[20:]]

    def ngrams(text: str) -> set[tuple[str, ...]]:
        words = normalised_words(text)
        return {tuple(words[at : at + NGRAM]) for at in range(len(words) - NGRAM + 1)}

    seen = set().union(*(ngrams(text) for text in texts[20:]))
    expected = tuple(str(number) for number, text in enumerate(texts[:20]) if ngrams(text) & seen)
    assert 0 < len(expected) < 20
    assert find_overlap(evaluation, training).in_prompts == expected

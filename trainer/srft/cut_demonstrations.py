"""Demonstrations that are longer than the recipe lets a response be: where they stand, and what would let them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from srft.config import Recipe
from srft.data.places import line_of_place
from srft.rows import Problem

MOST_LISTED = 1000
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CutPlace:
    """One of them, on a line of a file."""

    file: str
    line: int
    """Counts from 1."""
    tokens: int
    """With its end token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutDemonstrations:
    """All of them."""

    key: str
    """Of the recipe: what limits them."""
    limit: int
    """Tokens, the end token included."""
    total: int
    longest: int
    """Tokens of the longest, its end token included."""
    named: str
    """Ids of the first few."""
    places: Sequence[CutPlace]
    """Where the first thousand stand; rows of a parquet file or of the Hub have no lines."""


def cut_demonstrations(problems: Sequence[Problem], recipe: Recipe) -> CutDemonstrations | None:
    """What is cut of a data set; None when nothing is."""
    cut = [problem for problem in problems if problem.demonstration_cut]
    if not cut:
        return None
    own_limit = recipe.training.max_response_tokens
    lines = ((line_of_place(problem.place), problem.demonstration_tokens) for problem in cut[:MOST_LISTED])
    return CutDemonstrations(
        key="rollouts.max_tokens" if own_limit is None else "training.max_response_tokens",
        limit=recipe.rollouts.max_tokens if own_limit is None else own_limit,
        total=len(cut),
        longest=max(problem.demonstration_tokens for problem in cut),
        named=", ".join(problem.id for problem in cut[:_NAMED]) + (", …" if len(cut) > _NAMED else ""),
        places=[CutPlace(file=place[0], line=place[1], tokens=tokens) for place, tokens in lines if place is not None],
    )

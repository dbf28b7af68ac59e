"""The reward of both sides of the step benchmark: trivial to compute, and different from answer to answer."""

from __future__ import annotations


def score(prompt: str, response: str, answer: str | None, row: dict) -> float:
    """The share of even bytes in the answer."""
    data = response.encode()
    return sum(byte % 2 == 0 for byte in data) / max(1, len(data))

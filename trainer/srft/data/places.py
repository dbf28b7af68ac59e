"""How a place in somebody's files is written in a message."""

from __future__ import annotations

from pathlib import Path


def shown_path(path: Path) -> str:
    """The path as a person standing in the current folder would type it."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):
        return str(path)


def line_of_place(place: str) -> tuple[str, int] | None:
    """File and line of a `file:line`; None for a row that stands on no line."""
    file, _, line = place.rpartition(":")
    return (file, int(line)) if file and line.isdecimal() else None


def nearest(word: str, words: list[str] | tuple[str, ...]) -> str | None:
    """The word that was probably meant, or None when none is close."""
    import difflib

    lowered = {known.lower(): known for known in words}
    found = difflib.get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.7)
    return lowered[found[0]] if found else None


def shortened(value: object, limit: int = 60) -> str:
    """A value as JSON for a message, never longer than the limit and never of several lines."""
    import json

    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= limit else text[: limit - 1] + "…"

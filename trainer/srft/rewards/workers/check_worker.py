"""Worker for checks that can hang: regular expressions, and math-verify when the argument is `math`."""

from __future__ import annotations

import importlib
import logging
import re
import sys
from functools import lru_cache
from typing import Any

_MEMORY_BYTES = 4 << 30


def prepare() -> None:
    """Limit memory, load math-verify if it will be needed."""
    try:
        import resource
    except ImportError:
        pass
    else:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = _MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(_MEMORY_BYTES, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    if sys.argv[1:] == ["math"]:
        logging.disable(logging.CRITICAL)
        is_equal("1", "\\boxed{1}")


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """One check."""
    match request["task"]:
        case "math":
            return {"value": is_equal(request["answer"], request["text"])}
        case _:
            return {"value": has_match(request["pattern"], request["text"], request["answer"])}


def is_equal(reference: str, text: str) -> bool:
    """Does math-verify find the answer in the text equal to the reference?"""
    from math_verify import verify

    return bool(verify(_parsed_reference(reference), _parsed(text), timeout_seconds=None))


def _parsed(text: str) -> Any:
    """Its own time limits are off, here and in `verify`: they are signals, and the parent has the clock."""
    from math_verify import parse

    no_limit: Any = None
    return parse(text, parsing_timeout=no_limit)


@lru_cache(maxsize=4096)
def _parsed_reference(reference: str) -> Any:
    return _parsed(reference if "\\boxed" in reference or "$" in reference else f"\\boxed{{{reference}}}")


def has_match(pattern: str, text: str, reference: str | None) -> bool:
    """Does the last match's group `answer`, or the whole match, equal the reference? None: is there a match at all?"""
    if reference is None:
        return re.search(pattern, text) is not None
    found = None
    for match in re.finditer(pattern, text):
        found = match["answer"] if "answer" in match.re.groupindex else match[0]
    return found is not None and found.split() == reference.split()


if __name__ == "__main__":
    # Beside this script, which runs without the package: importing all of it would make every start slower.
    importlib.import_module("channel").serve(answer, prepare)

"""Worker for a user's reward: `python_worker.py FILE FUNCTION`."""

from __future__ import annotations

import importlib
import importlib.util
import math
import sys
from numbers import Real
from pathlib import Path
from typing import Any

_MAX_PARTS = 32
_function: Any = None


def prepare() -> None:
    """Load the file that the arguments name."""
    global _function
    _function = load(Path(sys.argv[1]), sys.argv[2])


def load(path: Path, name: str) -> Any:
    """The function of a file; modules beside it can be imported."""
    sys.path.append(str(path.parent))
    spec = importlib.util.spec_from_file_location("srft_user_reward", path)
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules["srft_user_reward"] = module
    spec.loader.exec_module(module)
    if not callable(getattr(module, name, None)):
        raise AttributeError(f"it has no function `{name}`")
    return getattr(module, name)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """One request of the parent's."""
    return called(_function, request)


def called(function: Any, request: dict[str, Any]) -> dict[str, Any]:
    """One call; what comes back is checked here, so that only finite numbers travel."""
    value = function(request["prompt"], request["response"], request["answer"], request["row"])
    if not isinstance(value, dict):
        return {"value": _number(value, "it")}
    if len(value) > _MAX_PARTS or not all(isinstance(key, str) and 0 < len(key) <= 64 for key in value):
        raise ValueError(f"a dict of rewards has at most {_MAX_PARTS} short text keys")
    parts = {key: _number(item, f"part {key}") for key, item in value.items()}
    return {"value": sum(parts.values()), "parts": parts}


def _number(value: Any, name: str) -> float:
    if not isinstance(value, Real):
        raise TypeError(f"{name} returned {type(value).__name__}, not a number")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} returned {number}")
    return number


if __name__ == "__main__":
    # Beside this script, which runs without the package: importing all of it would make every start slower.
    importlib.import_module("channel").serve(answer, prepare)

"""A run as its events tell it, folded to one plain value: what later attempts did again is dropped."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from srft.run_directory.reader import iterate_events, iterate_index, read_manifest, read_record


def fold_run(path: Path) -> dict[str, Any]:
    """The whole run as a plain dict.

    `manifest`; `attempts`: the `started` and `resumed` events; `steps`: by number, the `step` event and its index lines
    as `rows`; `evaluations`: `evaluation` events, each with its `rows`; `checkpoints`: by step, those not removed;
    `phases`, `non_finite`, `notices`, `controls`: events; `end`: the end reason or None; `unknown`: how many events of
    each unknown kind; `next_seq`.

    Raises `InputError` when there is no run or one of another major version, `RunDirectoryError` on damage.
    """
    fold: dict[str, Any] = {
        "manifest": read_manifest(path),
        "attempts": [],
        "steps": {},
        "evaluations": [],
        "checkpoints": {},
        "phases": [],
        "non_finite": [],
        "notices": [],
        "controls": [],
        "end": None,
        "unknown": Counter(),
        "next_seq": 0,
    }
    index_bytes = 0
    for event in iterate_events(path):
        fold["next_seq"] = event["seq"] + 1
        # The lines between two acknowledged lengths belong to the event that says the second.
        span = (index_bytes, event.get("index_bytes", index_bytes))
        index_bytes = span[1]
        _advance(fold, {**event, "rows": span} if "index_bytes" in event else event)
    for event in [*fold["steps"].values(), *fold["evaluations"]]:
        event["rows"] = list(iterate_index(path, *event["rows"]))
    return fold


def comparable_run(path: Path) -> dict[str, Any]:
    """What two runs have in common that did the same: no times, attempts or addresses; records by their content.

    An unbroken run and one that was killed and resumed are equal in it, bit for bit, on a deterministic machine.
    """
    fold = fold_run(path)
    return {
        "steps": {number: _comparable(path, event) for number, event in fold["steps"].items()},
        "evaluations": [_comparable(path, event) for event in fold["evaluations"]],
        "checkpoints": {step: (event["accuracy"], event["best"]) for step, event in fold["checkpoints"].items()},
        "phases": [(event["step"], event["phase"]) for event in fold["phases"]],
        "non_finite": [(event["step"], event["names"]) for event in fold["non_finite"]],
        "end": fold["end"],
    }


_LISTS = {"phase": "phases", "non_finite": "non_finite", "notice": "notices", "control": "controls"}


def _advance(fold: dict[str, Any], event: dict[str, Any]) -> None:
    match event["kind"]:
        case "started":
            fold["attempts"].append(event)
        case "resumed":
            fold["attempts"].append(event)
            _drop_after(fold, event["from_step"])
        case "step":
            fold["steps"][event["step"]] = event
        case "evaluation":
            same = _pass_of(event)
            fold["evaluations"] = [*(other for other in fold["evaluations"] if _pass_of(other) != same), event]
        case "checkpoint":
            fold["checkpoints"][event["step"]] = event
            for step in event["removed"]:
                fold["checkpoints"].pop(step, None)
        case "ended":
            fold["end"] = event["end"]
        case kind if kind in _LISTS:
            fold[_LISTS[kind]].append(event)
        case kind:
            fold["unknown"][kind] += 1


def _drop_after(fold: dict[str, Any], step: int) -> None:
    for name in ("steps", "checkpoints"):
        fold[name] = {number: event for number, event in fold[name].items() if number <= step}
    for name in ("evaluations", "phases", "non_finite", "notices", "controls"):
        fold[name] = [event for event in fold[name] if event["step"] <= step]
    fold["end"] = None


def _pass_of(event: Mapping[str, Any]) -> tuple[int, str, str]:
    return event["step"], event["name"], event["checkpoint"]


def _comparable(path: Path, event: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in event.items() if key not in ("seq", "time", "index_bytes", "metrics", "rows")}
    timed = ("seconds", "tokens_per_second")
    kept["metrics"] = {name: value for name, value in event["metrics"].items() if not name.startswith(timed)}
    kept["rows"] = [_comparable_row(path, row) for row in event["rows"]]
    return kept


def _comparable_row(path: Path, row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in row.items() if key not in ("attempt", "address", "prompt")}
    kept["id"] = row["id"].partition("-")[2]
    for key in ("address", "prompt"):
        kept[key] = None if row[key] is None else _content(path, row[key])
    return kept


def _content(path: Path, address: Mapping[str, int]) -> str:
    record = read_record(path, address)
    digest = hashlib.sha256(f"{record.kind}".encode() + record.text)
    for name, values in sorted(record.values.items()):
        digest.update(f"{name}:{values.dtype}".encode() + values.tobytes())
    return digest.hexdigest()

"""Brings the files of an earlier attempt back to what was acknowledged: torn ends are cut, nothing acknowledged is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srft.run_directory.errors import RunDirectoryError, cannot_write
from srft.run_directory.files import Files
from srft.run_directory.layout import Layout
from srft.run_directory.reader import damaged_line, iterate_lines


@dataclass(frozen=True, slots=True)
class Repaired:
    """Where a further attempt goes on."""

    attempts: int
    """How many there were."""
    next_seq: int
    next_segment: int
    last_step: int
    """The last acknowledged step of the run as its last attempt left it, 0 when there is none."""
    notices: frozenset[str]
    """Names of the notices that were given."""


def repair(files: Files, layout: Layout) -> Repaired:
    """Cut what was not acknowledged. The caller holds the writer's lock. Raises `RunDirectoryError` on damage."""
    events, events_bytes = _sound_events(layout.events)
    index_bytes = max((event["index_bytes"] for event in events if "index_bytes" in event), default=0)
    last_segment, last_bytes = _acknowledged_end(layout.index, index_bytes)
    try:
        _cut(files, layout.events, events_bytes)
        _cut(files, layout.index, index_bytes)
        for number, path in layout.segments().items():
            if number > last_segment:
                files.remove(path)
            elif number == last_segment:
                _cut(files, path, last_bytes)
    except OSError as error:
        raise cannot_write(error, Path(error.filename or layout.root), layout.root) from error
    return Repaired(
        attempts=sum(event["kind"] in ("started", "resumed") for event in events),
        next_seq=len(events),
        next_segment=last_segment + 1,
        last_step=_last_step(events),
        notices=frozenset(event["name"] for event in events if event["kind"] == "notice"),
    )


def _sound_events(path: Path) -> tuple[list[dict[str, Any]], int]:
    """The events, and the bytes they fill. A last line that is not JSON was torn; anything else amiss is damage."""
    events: list[dict[str, Any]] = []
    end_bytes = 0
    torn: int | None = None
    for number, (line, end) in enumerate(iterate_lines(path)):
        if torn is not None:
            raise damaged_line(path, torn, "it is not an event")
        event = _event(line)
        if event is None:
            torn = number
            continue
        if event["seq"] != number:
            raise damaged_line(path, number, f"its seq is {event['seq']}, not {number}")
        events.append(event)
        end_bytes = end
    return events, end_bytes


def _last_step(events: list[dict[str, Any]]) -> int:
    last = 0
    for event in events:
        match event["kind"]:
            case "step":
                last = event["step"]
            case "resumed":
                last = event["from_step"]
    return last


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "kind" in value and "seq" in value else None


def _acknowledged_end(index: Path, index_bytes: int) -> tuple[int, int]:
    """Number and length of the last segment that acknowledged lines point into; (0, 0) when none does.

    Addresses only grow, so the last line with one tells.
    """
    if index_bytes == 0:
        return 0, 0
    data = index.read_bytes()[:index_bytes] if index.exists() else b""
    if len(data) < index_bytes or not data.endswith(b"\n"):
        raise _lost(index, index_bytes)
    end = len(data) - 1
    while end > 0:
        start = data.rfind(b"\n", 0, end) + 1
        address = json.loads(data[start:end]).get("address")
        if address is not None:
            return address["segment"], address["offset"] + address["length"]
        end = start - 1
    return 0, 0


def _cut(files: Files, path: Path, length_bytes: int) -> None:
    """Cut what is behind `length_bytes`; a file that is shorter has lost something."""
    size = path.stat().st_size if path.exists() else 0
    if size < length_bytes:
        raise _lost(path, length_bytes)
    if size == length_bytes:
        return
    descriptor = files.open_append(path)
    try:
        files.truncate(descriptor, length_bytes)
        files.sync(descriptor)
    finally:
        files.close(descriptor)


def _lost(path: Path, length_bytes: int) -> RunDirectoryError:
    return RunDirectoryError(
        f"has lost its end: {length_bytes} bytes were acknowledged",
        where=str(path),
        remedy="copy the run folder once more, or start a new run with --fork from one of its checkpoints",
    )

"""Reads a run directory as strangers do: leniently. Unknown kinds, keys and columns are kept; a torn end is ignored.

Nothing here takes a lock or writes; a run may be read while it is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from srft.errors import InputError
from srft.run_directory.errors import RunDirectoryError
from srft.run_directory.frames import (
    FRAME_BYTES,
    BrokenRecordError,
    DecodedRecord,
    RecordKind,
    decode_frame,
    decode_sequence,
)
from srft.run_directory.layout import Layout
from srft.wire import FORMAT_VERSION

MAJOR = FORMAT_VERSION.partition(".")[0]


def read_manifest(path: Path) -> dict[str, Any]:
    """`run.json`; raises `InputError` when there is no run, or one of another major version."""
    manifest_path = Layout(path).manifest
    try:
        manifest = json.loads(manifest_path.read_bytes())
    except FileNotFoundError as error:
        raise InputError("there is no run here", where=str(path), remedy="name a folder with a run.json") from error
    except ValueError as error:
        raise RunDirectoryError(
            f"is not JSON ({error})", where=str(manifest_path), remedy="copy the run folder once more"
        ) from error
    version = str(manifest.get("format", "")) if isinstance(manifest, dict) else ""
    if version.partition(".")[0] != MAJOR:
        raise InputError(
            f"the run has format {version or 'without a version'}, this program reads {MAJOR}.x",
            where=str(manifest_path),
            remedy="open it with the version of SRFT Studio that wrote it, or a newer one",
        )
    return manifest


def read_status(path: Path) -> dict[str, Any] | None:
    """`status.json`; None when there is none yet."""
    try:
        return json.loads(Layout(path).status.read_bytes())
    except FileNotFoundError:
        return None


def iterate_events(path: Path) -> Iterator[dict[str, Any]]:
    """The events in order; raises `RunDirectoryError` naming a line that is no event, or a gap in `seq`."""
    events = Layout(path).events
    for number, (line, _) in enumerate(iterate_lines(events)):
        event = parse_line(line, events, number)
        if event.get("seq") != number:
            raise damaged_line(events, number, f"its seq is {event.get('seq')}, not {number}")
        yield event


def iterate_index(path: Path, start_bytes: int = 0, end_bytes: int | None = None) -> Iterator[dict[str, Any]]:
    """The index lines between two byte positions, both at the beginning of a line."""
    index = Layout(path).index
    for number, (line, end) in enumerate(iterate_lines(index, start_bytes)):
        if end_bytes is not None and end > end_bytes:
            return
        yield parse_line(line, index, number)


def read_record(path: Path, address: Mapping[str, int]) -> DecodedRecord:
    """One record by its address; raises `RunDirectoryError` when its bytes are not intact."""
    segment = Layout(path).segment(address["segment"])
    try:
        with segment.open("rb") as file:
            columns = _header(file.read(FRAME_BYTES), file.read)
            file.seek(address["offset"])
            kind, payload = decode_frame(file.read(address["length"]))
        return decode_sequence(kind, payload, columns)
    except FileNotFoundError as error:
        raise RunDirectoryError("is missing", where=str(segment), remedy="copy the run folder once more") from error
    except BrokenRecordError as error:
        where = f"{segment}, byte {address['offset']}"
        raise RunDirectoryError(str(error), where=where, remedy="copy the run folder once more") from error


def read_columns(segment: Path) -> list[dict[str, Any]]:
    """The column list a segment begins with; raises `BrokenRecordError`."""
    with segment.open("rb") as file:
        return _header(file.read(FRAME_BYTES), file.read)


def iterate_lines(path: Path, start_bytes: int = 0) -> Iterator[tuple[bytes, int]]:
    """Each complete line without its newline, and the byte position after it. A file that is not there has none."""
    if not path.exists():
        return
    position = start_bytes
    with path.open("rb") as file:
        file.seek(start_bytes)
        for line in file:
            if not line.endswith(b"\n"):
                return
            position += len(line)
            yield line[:-1], position


def parse_line(line: bytes, path: Path, number: int) -> dict[str, Any]:
    """A line that must be a JSON object; `number` counts from 0."""
    try:
        value = json.loads(line)
    except ValueError as error:
        raise damaged_line(path, number, "it is not JSON") from error
    if not isinstance(value, dict):
        raise damaged_line(path, number, "it is not a JSON object")
    return value


def damaged_line(path: Path, number: int, reason: str) -> RunDirectoryError:
    """The error about a complete line that cannot be right; `number` counts from 0."""
    return RunDirectoryError(
        f"the line is damaged: {reason}", where=f"{path}:{number + 1}", remedy="copy the run folder once more"
    )


def _header(frame: bytes, read: Callable[[int], bytes]) -> list[dict[str, Any]]:
    length = int.from_bytes(frame[4:8], "little")
    kind, payload = decode_frame(frame + read(length))
    if kind != RecordKind.HEADER:
        raise BrokenRecordError("the segment does not begin with its column list")
    header = json.loads(payload)
    if str(header["format"]).partition(".")[0] != MAJOR:
        raise BrokenRecordError(f"the segment has format {header['format']}, this program reads {MAJOR}.x")
    return header["columns"]

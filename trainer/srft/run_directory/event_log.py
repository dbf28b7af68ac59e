"""`events.jsonl` while it is written: gapless numbers, and one sync for each batch of events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from srft.run_directory.files import AppendFile, Files
from srft.run_directory.layout import Layout
from srft.wire import EventBase

UnsentEvent: TypeAlias = tuple[type[EventBase], dict[str, Any]]
"""An event's type and its payload, without `seq` and `time`."""


class EventLog:
    """The open event file."""

    def __init__(self, files: Files, layout: Layout, *, next_seq: int, clock: Callable[[], float]) -> None:
        self._file = AppendFile(files, layout.events, layout.root)
        self._next_seq = next_seq
        self._clock = clock

    def emit(self, events: Sequence[UnsentEvent]) -> None:
        """Write the events with one write, and return when they are acknowledged."""
        now = self._clock()
        made = [kind(seq=self._next_seq + n, time=now, **payload) for n, (kind, payload) in enumerate(events)]
        self._file.append("".join(event.model_dump_json() + "\n" for event in made).encode())
        self._file.sync()
        self._next_seq += len(made)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

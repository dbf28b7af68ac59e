"""Segments while they are written: records are buffered and addressed at once; a size limit begins a new file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from srft.run_directory.files import AppendFile, Files
from srft.run_directory.frames import (
    COLUMN_LIMIT,
    RecordKind,
    base_columns,
    encode_header,
    encode_sequence,
    pull_column,
)
from srft.run_directory.layout import Layout

DEFAULT_SEGMENT_BYTES = 512 * 2**20
_BUFFER_BYTES = 8 * 2**20


class SegmentWriter:
    """The open segment of a run. Every attempt begins a segment of its own, with its first record."""

    def __init__(self, files: Files, layout: Layout, *, next_number: int, segment_bytes: int) -> None:
        self._files, self._layout = files, layout
        self._number = next_number - 1
        self._segment_bytes = segment_bytes
        self._file: AppendFile | None = None
        self._columns = base_columns()
        self._terms: set[str] = set()
        self._buffer: list[bytes] = []
        self._buffered_bytes = 0
        self._end = 0
        self._unsynced = False

    def declare_pulls(self, terms: Iterable[str]) -> None:
        """Have a `pull/<term>` column for each term from here on; a new one begins a new segment."""
        new = [term for term in dict.fromkeys(terms) if term not in self._terms]
        if not new:
            return
        if len(self._columns) + len(new) > COLUMN_LIMIT:
            raise ValueError(f"a record has at most {COLUMN_LIMIT} columns")
        self.flush()
        self.close()
        self._terms.update(new)
        self._columns = [*self._columns, *map(pull_column, new)]

    def append(self, kind: RecordKind, token_bytes: Sequence[bytes], values: Mapping[str, Any]) -> dict[str, int]:
        """Buffer one sequence; the answer is where it will lie, a `wire.Address` in plain form."""
        record = encode_sequence(kind, self._columns, token_bytes, values)
        if self._file is None or self._end + len(record) > self._segment_bytes:
            self._begin()
        address = {"segment": self._number, "offset": self._end, "length": len(record)}
        self._push(record)
        return address

    def flush(self) -> None:
        """Return once every record is on the disk."""
        self._write()
        if self._file is not None and self._unsynced:
            self._file.sync()
            self._unsynced = False

    def close(self) -> None:
        """Close the open segment; what was not flushed is left out."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        self.flush()
        self.close()
        self._number += 1
        self._end = 0
        self._file = AppendFile(self._files, self._layout.segment(self._number), self._layout.root)
        self._push(encode_header(self._columns))

    def _push(self, data: bytes) -> None:
        self._buffer.append(data)
        self._buffered_bytes += len(data)
        self._end += len(data)
        if self._buffered_bytes >= _BUFFER_BYTES:
            self._write()

    def _write(self) -> None:
        if self._buffer and self._file is not None:
            self._file.append(b"".join(self._buffer))
            self._buffer.clear()
            self._buffered_bytes = 0
            self._unsynced = True

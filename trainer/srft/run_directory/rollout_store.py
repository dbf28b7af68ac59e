"""`rollouts/` while it is written: which groups keep their tokens, segments before index lines, syncs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from srft.config import RecordingConfig
from srft.run_directory.files import AppendFile, Files
from srft.run_directory.frames import RecordKind
from srft.run_directory.layout import Layout, Pass, row_id
from srft.run_directory.records import PromptRecord, RowRecord, index_line, record_kind, row_columns
from srft.run_directory.segments import SegmentWriter
from srft.run_directory.space import GIGABYTE, keeps_tokens

_encode_line = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


class RolloutStore:
    """The open segment and index of one attempt."""

    def __init__(
        self,
        files: Files,
        layout: Layout,
        *,
        attempt: int,
        next_segment: int,
        segment_bytes: int,
        record_bytes: int,
        seed: int,
        recording: RecordingConfig,
    ) -> None:
        self._attempt, self._seed, self._recording = attempt, seed, recording
        self._index = AppendFile(files, layout.index, layout.root)
        self._segments = SegmentWriter(files, layout, next_number=next_segment, segment_bytes=segment_bytes)
        self._record_bytes = record_bytes
        self._lines: list[str] = []
        self._numbers_lost: set[str] = set()

    @property
    def index_bytes(self) -> int:
        """How far the index reaches, flushed lines only."""
        return self._index.length_bytes

    @property
    def is_thinned(self) -> bool:
        """Has `recording.max_gb` been reached?"""
        return self._record_bytes >= self._recording.max_gb * GIGABYTE

    def append_group(self, step: int, group: int, prompt: PromptRecord, rows: Sequence[RowRecord], place: Pass) -> None:
        """Take over a group; it is on the disk after `flush`."""
        keep = not self.is_thinned or keeps_tokens(self._seed, step, group, self._recording.share_beyond)
        prompt_address: dict[str, int] | None = None
        if keep:
            self._segments.declare_pulls(term for row in rows for term in row.pull)
            prompt_address = self._append(RecordKind.PROMPT, prompt.token_bytes, {"id": prompt.token_ids})
        for row in rows:
            address = self._append(record_kind(row.kind), row.token_bytes, row_columns(row)) if keep else None
            line = index_line(
                row,
                id=row_id(self._attempt, place, step, group, row.index),
                attempt=self._attempt,
                step=step,
                group=group,
                prompt_id=prompt.prompt_id,
                address=address,
                prompt=prompt_address,
                non_finite=self._numbers_lost.add,
            )
            self._lines.append(_encode_line(line))

    def flush(self) -> None:
        """Segments to the disk, then index lines; one sync each."""
        self._segments.flush()
        if self._lines:
            self._index.append(("\n".join(self._lines) + "\n").encode())
            self._lines.clear()
            self._index.sync()

    def take_numbers_lost(self) -> list[str]:
        """Names of row figures that were not finite since the last call."""
        names = sorted(self._numbers_lost)
        self._numbers_lost.clear()
        return names

    def close(self) -> None:
        """Close the files; what was not flushed is left out."""
        self._segments.close()
        self._index.close()

    def _append(self, kind: RecordKind, token_bytes: Sequence[bytes], values: Mapping[str, Any]) -> dict[str, int]:
        address = self._segments.append(kind, token_bytes, values)
        self._record_bytes += address["length"]
        return address

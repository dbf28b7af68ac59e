"""The bytes of a segment: frames and columns, both ways. docs/run-directory.md has this byte by byte.

A frame, little-endian, starting at a multiple of 8::

    0   4  magic "SRFT"
    4   4  length of the payload in bytes, a multiple of 8
    8   4  crc32 (zlib) of everything after it: kind and payload
    12  4  kind
    16  …  payload

The payload of a sequence (any kind but `header`)::

    0   4  T, number of tokens
    4   4  B, bytes of the text
    8   8  presence: bit i is set when column i of the segment's header is here
    16  …  the columns present, in the header's order, each filled with zero bytes up to a multiple of 8
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from srft.wire import Column, SegmentHeader

MAGIC = b"SRFT"
FRAME_BYTES = 16
COLUMN_LIMIT = 64
"""Bits of the presence map."""

_FRAME = struct.Struct("<4sIII")
_KIND = struct.Struct("<I")
_SEQUENCE = struct.Struct("<IIQ")
_FILL = tuple(bytes(n) for n in range(8))
_DTYPES = {"u8": "u1", "u16": "<u2", "u32": "<u4", "i32": "<i4", "f16": "<f2", "f32": "<f4"}


class RecordKind(IntEnum):
    """What a frame holds; readers keep numbers they do not know."""

    HEADER = 0
    PROMPT = 1
    ROLLOUT = 2
    DEMONSTRATION = 3
    HYBRID = 4
    EVALUATION = 5
    PROBE = 6


class BrokenRecordError(ValueError):
    """The bytes are not an intact record; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class DecodedRecord:
    """One sequence as it was stored. T is its number of tokens."""

    kind: int
    """A `RecordKind`, or a number of a newer minor version."""
    tokens: int
    text: bytes
    """The tokens' raw bytes; may be invalid UTF-8."""
    values: Mapping[str, np.ndarray]
    """[T] for each other column present, by name."""


def base_columns() -> list[Column]:
    """The columns every segment declares; one more, `pull/<term>`, for each term of the loss."""
    return [
        Column(name="text", dtype="u8", unit=None, per="byte"),
        Column(name="id", dtype="u32", unit=None, per="token"),
        Column(name="byte_length", dtype="u16", unit="byte", per="token"),
        Column(name="logprob", dtype="f32", unit="nat", per="token"),
        Column(name="entropy", dtype="f32", unit="nat", per="token"),
        Column(name="entropy_pull", dtype="f32", unit=None, per="token"),
        Column(name="advantage", dtype="f32", unit=None, per="token"),
        Column(name="origin", dtype="u8", unit=None, per="token"),
    ]


def pull_column(term: str) -> Column:
    """The column of one term's pull."""
    return Column(name=f"pull/{term}", dtype="f32", unit=None, per="token")


def encode_header(columns: Sequence[Column]) -> bytes:
    """The first frame of a segment: its column list as JSON, filled with spaces."""
    text = SegmentHeader(columns=list(columns)).model_dump_json().encode()
    return _frame(RecordKind.HEADER, text + b" " * (-len(text) % 8))


def encode_sequence(
    kind: RecordKind, columns: Sequence[Column], token_bytes: Sequence[bytes], values: Mapping[str, Any]
) -> bytes:
    """The frame of one sequence. `values` holds [T] arrays by column name; `text` and `byte_length` are made here.

    Raises `ValueError` when a value's column is not declared, or its length is not T.
    """
    text = b"".join(token_bytes)
    count = len(token_bytes)
    lengths = list(map(len, token_bytes))
    if lengths and max(lengths) > 0xFFFF:
        raise ValueError(f"a token of {max(lengths)} bytes does not fit the record format (65535 at most)")
    given: dict[str, Any] = {"text": text, "byte_length": lengths, **values}
    presence = 0
    parts: list[bytes] = [b""]
    for bit, column in enumerate(columns):
        value = given.pop(column.name, None)
        if value is None:
            continue
        presence |= 1 << bit
        if column.per == "byte":
            data = value
        else:
            array = np.asarray(value, dtype=_DTYPES[column.dtype])
            if array.shape != (count,):
                raise ValueError(f"column {column.name} has shape {array.shape}, but there are {count} tokens")
            data = array.tobytes()
        parts.append(data)
        parts.append(_FILL[-len(data) % 8])
    undeclared = [name for name, value in given.items() if value is not None]
    if undeclared:
        raise ValueError(f"the segment declares no column {', '.join(undeclared)}")
    parts[0] = _SEQUENCE.pack(count, len(text), presence)
    return _frame(kind, b"".join(parts))


def decode_frame(data: bytes) -> tuple[int, bytes]:
    """Kind and payload of the frame that `data` is, exactly; raises `BrokenRecordError`."""
    if len(data) < FRAME_BYTES:
        raise BrokenRecordError(f"{len(data)} bytes are too few for a record")
    magic, length, crc, kind = _FRAME.unpack_from(data)
    if magic != MAGIC:
        raise BrokenRecordError(f"no record begins here (found {magic!r})")
    if FRAME_BYTES + length != len(data):
        raise BrokenRecordError(f"the record says {FRAME_BYTES + length} bytes, there are {len(data)}")
    if zlib.crc32(memoryview(data)[12:]) != crc:
        raise BrokenRecordError("the checksum does not match")
    return kind, data[FRAME_BYTES:]


def decode_sequence(kind: int, payload: bytes, columns: Sequence[Mapping[str, Any]]) -> DecodedRecord:
    """The columns of one sequence, as views on `payload`; `columns` is the list of the segment's header."""
    count, text_bytes, presence = _SEQUENCE.unpack_from(payload)
    offset = _SEQUENCE.size
    text = b""
    values: dict[str, np.ndarray] = {}
    for bit, column in enumerate(columns):
        if not presence >> bit & 1:
            continue
        items = text_bytes if column["per"] == "byte" else count
        array = np.frombuffer(payload, dtype=_DTYPES[column["dtype"]], count=items, offset=offset)
        if column["name"] == "text":
            text = array.tobytes()
        else:
            values[column["name"]] = array
        offset += array.nbytes + (-array.nbytes % 8)
    return DecodedRecord(kind=kind, tokens=count, text=text, values=values)


def _frame(kind: RecordKind, payload: bytes) -> bytes:
    crc = zlib.crc32(payload, zlib.crc32(_KIND.pack(kind)))
    return _FRAME.pack(MAGIC, len(payload), crc, kind) + payload

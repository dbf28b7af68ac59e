"""Things that no writer of this version writes, where the format lets a later minor version do so; made by hand."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

COLUMNS = [
    {"name": "text", "dtype": "u8", "unit": None, "per": "byte"},
    {"name": "id", "dtype": "u32", "unit": None, "per": "token"},
    {"name": "byte_length", "dtype": "u16", "unit": "byte", "per": "token"},
    {"name": "novelty", "dtype": "f16", "unit": "bit", "per": "token", "meaning": "how new it is"},
]


def add_newer_things(root: Path) -> None:
    """Keys, a row kind, a record kind, a column and an event kind that this version does not know."""
    manifest = json.loads((root / "run.json").read_bytes())
    (root / "run.json").write_text(json.dumps({**manifest, "format": "1.9", "mood": "curious"}, indent=2))
    segment, address = add_segment(root)
    lines = (root / "rollouts/index.jsonl").read_bytes().splitlines()
    dream = {
        **json.loads(lines[-1]),
        "id": "a2-d6-g9-0",
        "group": 9,
        "kind": "daydream",
        "tokens": 4,
        "head": "a dream of numbers",
        "vividness": 0.25,
        "address": {"segment": segment, **address},
    }
    append_line(root / "rollouts/index.jsonl", dream)
    reach = (root / "rollouts/index.jsonl").stat().st_size
    seq = len((root / "events.jsonl").read_bytes().splitlines())
    append_line(root / "events.jsonl", {"seq": seq, "time": 1.7e9, "kind": "dreamt", "step": 6, "index_bytes": reach})
    notice = {"kind": "notice", "step": 6, "name": "dreamt", "message": "It dreamt.", "severity": "low"}
    append_line(root / "events.jsonl", {"seq": seq + 1, "time": 1.7e9, **notice})


def add_segment(root: Path) -> tuple[int, dict[str, int]]:
    """A segment with an unknown column; its number, and where its one record lies."""
    number = max(int(path.stem) for path in (root / "rollouts").glob("*.seg")) + 1
    header = json.dumps({"format": "1.9", "columns": COLUMNS, "compression": None}).encode()
    begin = frame(0, header + b" " * (-len(header) % 8))
    words = [b"a", b" dream", b" of", b" numbers"]
    text = b"".join(words)
    payload = struct.pack("<IIQ", len(words), len(text), 0b1111)
    for data in (
        text,
        struct.pack("<4I", 1, 2, 3, 4),
        struct.pack("<4H", *map(len, words)),
        struct.pack("<4e", 0.5, 1.0, 1.5, 2.0),
    ):
        payload += data + bytes(-len(data) % 8)
    record = frame(77, payload)
    (root / f"rollouts/{number:06d}.seg").write_bytes(begin + record)
    return number, {"offset": len(begin), "length": len(record)}


def frame(kind: int, payload: bytes) -> bytes:
    body = struct.pack("<I", kind) + payload
    return struct.pack("<4sII", b"SRFT", len(payload), zlib.crc32(body)) + body


def append_line(path: Path, value: dict) -> None:
    with path.open("ab") as file:
        file.write(json.dumps(value).encode() + b"\n")

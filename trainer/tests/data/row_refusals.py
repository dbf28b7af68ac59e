"""The table of rows that are none: what was given, and the whole sentence."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from srft.config import ColumnMapping
from tests.error_table import ErrorCase

ROWS: list[dict[str, Any]] = [
    {"prompt": "1+1?", "answer": "2", "demonstration": "<think>1+1=2</think>\\boxed{2}", "level": 1},
    {"prompt": "2+2?", "answer": 4},
    {"prompt": [{"role": "user", "content": "½+½?"}], "answer": "1", "demonstration": None},
]


def jsonl(rows) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


@dataclass(frozen=True)
class Refusal(ErrorCase):
    content: bytes = b""
    file: str = "data.jsonl"
    options: dict[str, Any] = field(default_factory=dict)


def row(**changes) -> bytes:
    return jsonl([ROWS[0], {key: value for key, value in {**ROWS[1], **changes}.items() if value is not ...}])


MAP_ID = {"columns": ColumnMapping(id="name")}


REFUSALS = [
    Refusal("empty", "an empty file", "data.jsonl: the data file is empty; write one JSON object a line.", b"\n \n"),
    Refusal(
        "not json",
        "a line that is not JSON",
        "data.jsonl:2: the line is not JSON (Expecting value, column 1); write one JSON object a line.",
        jsonl(ROWS[:1]) + b"prompt,answer\n",
    ),
    Refusal(
        "cut",
        "a file cut short",
        "data.jsonl:1: the line is not JSON (Unterminated string starting at, column 30); write one JSON object "
        "a line.",
        jsonl(ROWS)[:30],
    ),
    Refusal(
        "list",
        "a line that is a list",
        'data.jsonl:1: the line is ["a"], not a JSON object; write {"prompt": …, "answer": …}.',
        b'["a"]\n',
    ),
    Refusal(
        "nan",
        "NaN",
        "data.jsonl:2: the line is not JSON (NaN is no JSON number); correct the row.",
        row(answer=float("nan")),
    ),
    Refusal(
        "deep",
        "a row nested 100,000 deep",
        "data.jsonl:1: the JSON is nested too deeply; flatten the row.",
        b'{"prompt": ' + b"[" * 100_000,
    ),
    Refusal(
        "digits",
        "a number of 5,000 digits",
        "data.jsonl:1: the line is not JSON (a number has too many digits); correct the row.",
        b'{"prompt": "a", "answer": ' + b"9" * 5000 + b"}\n",
    ),
    Refusal(
        "duplicate key",
        "a column twice in a row",
        "data.jsonl:1: the line is not JSON (the key `answer` stands there twice); correct the row.",
        b'{"prompt": "a", "answer": "1", "answer": "2"}\n',
    ),
    Refusal(
        "nul",
        "a binary file",
        "data.jsonl:1: the line holds NUL bytes; give a text file in JSONL, not a binary one.",
        b"PK\x03\x04\x00\x00\n",
    ),
    Refusal(
        "latin-1",
        "Latin-1",
        "data.jsonl:2: byte 13 of the line (0xbd) is not UTF-8; save the file as UTF-8.",
        row(prompt="½").decode().encode("latin-1"),
    ),
    Refusal(
        "utf-16", "UTF-16", "data.jsonl:1: the file is UTF-16; save it as UTF-8.", jsonl(ROWS).decode().encode("utf-16")
    ),
    Refusal(
        "surrogate",
        "half a surrogate pair",
        "data.jsonl:1: the text in `prompt` holds half a surrogate pair, which is no character; write whole "
        "characters.",
        b'{"prompt": "\\ud83d", "answer": "1"}\n',
    ),
    Refusal(
        "no prompt",
        "a row without prompt",
        "data.jsonl:2: the prompt is missing: there is no column `prompt` (there: answer); "
        "add it, or correct `columns.prompt`.",
        row(prompt=...),
    ),
    Refusal(
        "near prompt",
        "a column spelled otherwise",
        "data.jsonl:1: the prompt is missing: there is no column `prompt` (there: prompts, answer); "
        "set `columns.prompt` to `prompts`.",
        jsonl([{"prompts": "a", "answer": "1"}]),
    ),
    Refusal(
        "prompt type",
        "a number as prompt",
        "data.jsonl:2: the prompt in `prompt` is 5; write a text or a list of messages.",
        row(prompt=5),
    ),
    Refusal(
        "blank prompt",
        "a blank prompt",
        "data.jsonl:2: the prompt in `prompt` is empty; write it, or remove the row.",
        row(prompt=" \n"),
    ),
    Refusal(
        "no messages",
        "a prompt without messages",
        "data.jsonl:2: the prompt in `prompt` is an empty list; let it end with a message of `user`.",
        row(prompt=[]),
    ),
    Refusal(
        "assistant last",
        "a chat that ends with the assistant",
        "data.jsonl:2: the prompt in `prompt` ends with a message of `assistant`; let it end with a message of `user`.",
        row(prompt=[{"role": "assistant", "content": "a"}]),
    ),
    Refusal(
        "message",
        "a message without content",
        'data.jsonl:2: the message {"role": "user"} in `prompt` is no chat message; '
        'write {"role": "user", "content": …}; roles are system, user and assistant.',
        row(prompt=[{"role": "user"}]),
    ),
    Refusal(
        "role",
        "a message of an unknown role",
        'data.jsonl:2: the message {"role": "human", "content": "a"} in `prompt` is no chat message; '
        'write {"role": "user", "content": …}; roles are system, user and assistant.',
        row(prompt=[{"role": "human", "content": "a"}]),
    ),
    Refusal(
        "no answer",
        "a row without answer",
        "data.jsonl:2: the answer is missing: there is no column `answer` (there: prompt); "
        "add it, or correct `columns.answer`.",
        row(answer=...),
    ),
    Refusal(
        "null answer",
        "a null answer",
        "data.jsonl:2: the answer in `answer` is null; give the answer or remove the row.",
        row(answer=None),
    ),
    Refusal(
        "blank answer",
        "a blank answer",
        "data.jsonl:2: the answer in `answer` is empty; write it, or remove the row.",
        row(answer=""),
    ),
    Refusal(
        "answer type",
        "true as answer",
        "data.jsonl:2: the answer in `answer` is true, not a text; write a text.",
        row(answer=True),
    ),
    Refusal(
        "blank demonstration",
        "a blank demonstration",
        "data.jsonl:2: the demonstration in `demonstration` is empty; write null where there is none.",
        row(demonstration=""),
    ),
    Refusal(
        "demonstration type",
        "a number as demonstration",
        "data.jsonl:2: the demonstration in `demonstration` is 1, not a text; write a text.",
        row(demonstration=1),
    ),
    Refusal(
        "two demonstrations",
        "two demonstrations in a row",
        "data.jsonl:2: the demonstration in `demonstration` has 2 messages of `assistant`; give exactly one.",
        row(demonstration=[{"role": "assistant", "content": "a"}] * 2),
    ),
    Refusal(
        "duplicate id",
        "an id twice",
        "data.jsonl:3: the id `a` was already at data.jsonl:1; give each row its own id.",
        jsonl([{**ROWS[0], "name": name} for name in "aba"]),
        options=MAP_ID,
    ),
    Refusal(
        "no id",
        "a row without id",
        "data.jsonl:1: the id is missing: there is no column `name` (there: prompt, answer, "
        "demonstration, level); add it, or correct `columns.id`.",
        jsonl(ROWS),
        options=MAP_ID,
    ),
    Refusal(
        "long id",
        "an id of 300 characters",
        "data.jsonl:1: the id in `name` is longer than 200 characters; shorten it.",
        jsonl([{**ROWS[0], "name": "x" * 300}]),
        options=MAP_ID,
    ),
    Refusal(
        "demonstration column",
        "a demonstration column that no row has",
        "data.jsonl: no row has the column `solution`, which the mapping names for demonstrations; correct "
        "`columns.demonstration`, or set it to null.",
        jsonl(ROWS),
        options={"columns": ColumnMapping(demonstration="solution")},
    ),
    Refusal(
        "ending",
        "a CSV file",
        "data.csv: the data file's ending is .csv; give a .jsonl or .parquet file, or a data set folder.",
        b"a,b\n",
        "data.csv",
    ),
    Refusal(
        "parquet",
        "a file that is not parquet",
        "data.parquet: the file cannot be read as parquet (Parquet magic bytes not found in footer); "
        "write it again, or give the whole file.",
        b"PAR1 and then nothing of the kind",
        "data.parquet",
    ),
]

"""From a row of any data set to a problem's parts, by the column mapping. Pure: a bad row raises with its place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from srft.config import ColumnMapping, DataConfig
from srft.data.places import nearest, shortened
from srft.data.source import DataRow
from srft.errors import InputError

OPENR1_MATH = ColumnMapping(prompt="prompt", answer="reward_model.ground_truth", demonstration="target", id=None)

_ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawProblem:
    """A problem before the chat template: what the row says, checked."""

    place: str
    id: str
    messages: tuple[dict[str, str], ...]
    """`{role, content}`; the last is the user's."""
    answer: str | None
    demonstration: str | None
    columns: Mapping[str, Any]

    @property
    def question(self) -> str:
        """The last user message."""
        return self.messages[-1]["content"]


def mapping_of(data: DataConfig) -> ColumnMapping:
    """The data set's mapping, ready ones looked up."""
    return OPENR1_MATH if data.columns == "openr1_math" else data.columns


def map_row(row: DataRow, position: int, columns: ColumnMapping, *, answer_required: bool) -> RawProblem:
    """One row; `position` counts from 1 and is its id where the mapping names no id column."""
    return RawProblem(
        place=row.place,
        id=_id(row, position, columns),
        messages=_messages(row, columns.prompt),
        answer=_answer(row, columns.answer, required=answer_required),
        demonstration=_demonstration(row, columns.demonstration),
        columns=row.columns,
    )


def has_column(columns: Mapping[str, Any], dotted: str) -> bool:
    """Is the column there, even if empty?"""
    return _find(columns, dotted)[0]


def _find(columns: Mapping[str, Any], dotted: str) -> tuple[bool, Any]:
    """(found, value) of a column; a column whose name has dots comes before nested ones."""
    if dotted in columns:
        return True, columns[dotted]
    node: Any = columns
    for part in dotted.split("."):
        if not (isinstance(node, Mapping) and part in node):
            return False, None
        node = node[part]
    return True, node


def _required(row: DataRow, column: str, meaning: str) -> Any:
    found, value = _find(row.columns, column)
    if found and value is not None:
        return value
    if found:
        raise InputError(
            f"the {meaning} in `{column}` is null", where=row.place, remedy=f"give the {meaning} or remove the row"
        )
    names = [str(name) for name in row.columns]
    near = nearest(column, names)
    raise InputError(
        f"the {meaning} is missing: there is no column `{column}` (there: {', '.join(names[:12]) or 'none'})",
        where=row.place,
        remedy=f"set `columns.{meaning}` to `{near}`" if near else f"add it, or correct `columns.{meaning}`",
    )


def _text(value: Any, row: DataRow, column: str, meaning: str) -> str:
    if not isinstance(value, str):
        raise InputError(
            f"the {meaning} in `{column}` is {shortened(value, 40)}, not a text", where=row.place, remedy="write a text"
        )
    if not value.strip():
        empty = "write null where there is none" if meaning == "demonstration" else "write it, or remove the row"
        raise InputError(f"the {meaning} in `{column}` is empty", where=row.place, remedy=empty)
    return _clean(value, row, column)


def _clean(value: str, row: DataRow, column: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"the text in `{column}` holds half a surrogate pair, which is no character",
            where=row.place,
            remedy="write whole characters",
        ) from None
    return value


def _messages(row: DataRow, column: str) -> tuple[dict[str, str], ...]:
    value = _required(row, column, "prompt")
    if isinstance(value, str):
        return ({"role": "user", "content": _text(value, row, column, "prompt")},)
    if not isinstance(value, list):
        raise InputError(
            f"the prompt in `{column}` is {shortened(value, 40)}",
            where=row.place,
            remedy="write a text or a list of messages",
        )
    messages = tuple(_message(item, row, column) for item in value)
    if not messages or messages[-1]["role"] != "user":
        last = f"ends with a message of `{messages[-1]['role']}`" if messages else "is an empty list"
        raise InputError(
            f"the prompt in `{column}` {last}", where=row.place, remedy="let it end with a message of `user`"
        )
    return messages


def _message(item: Any, row: DataRow, column: str) -> dict[str, str]:
    if not (isinstance(item, Mapping) and isinstance(item.get("content"), str) and item.get("role") in _ROLES):
        raise InputError(
            f"the message {shortened(item, 60)} in `{column}` is no chat message",
            where=row.place,
            remedy='write {"role": "user", "content": …}; roles are system, user and assistant',
        )
    return {"role": item["role"], "content": _clean(item["content"], row, column)}


def _answer(row: DataRow, column: str, *, required: bool) -> str | None:
    if not required and _find(row.columns, column)[1] is None:
        return None
    value = _required(row, column, "answer")
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return str(value)
    return _text(value, row, column, "answer").strip()


def _demonstration(row: DataRow, column: str | None) -> str | None:
    value = _find(row.columns, column)[1] if column else None
    if value is None or column is None:
        return None
    if isinstance(value, list):
        answers = [_message(item, row, column) for item in value]
        own = [message["content"] for message in answers if message["role"] == "assistant"]
        if len(own) != 1:
            raise InputError(
                f"the demonstration in `{column}` has {len(own)} messages of `assistant`",
                where=row.place,
                remedy="give exactly one",
            )
        value = own[0]
    return _text(value, row, column, "demonstration")


def _id(row: DataRow, position: int, columns: ColumnMapping) -> str:
    if columns.id is None:
        return str(position)
    value = _required(row, columns.id, "id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = _text(value, row, columns.id, "id")
    if len(text) > 200 or "\x00" in text:
        raise InputError(
            f"the id in `{columns.id}` is longer than 200 characters", where=row.place, remedy="shorten it"
        )
    return text

"""What the loop hands over for recording: a group's prompt and its rows; and the index line made of a row."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from srft.rows import Kind, Row, StopReason
from srft.run_directory.frames import RecordKind

_HEAD_CHARACTERS = 80
_RECORD_KINDS = {kind: RecordKind[kind.name] for kind in Kind}


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRecord:
    """The prompt a group shares. P is its number of tokens."""

    prompt_id: str
    token_ids: Sequence[int] | np.ndarray
    """[P]"""
    token_bytes: Sequence[bytes]
    """[P] the raw bytes of each token, special tokens spelled out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRecord:
    """One row of a group, with what training found out about it. T is its number of response tokens.

    Numbers that are not finite are written as null (in the index) or NaN (in columns).
    """

    index: int
    """Number of the row within its group."""
    kind: Kind
    token_ids: np.ndarray
    """[T]"""
    token_bytes: Sequence[bytes]
    """[T] the raw bytes of each token, special tokens included."""
    stop_reason: StopReason
    reward: float | None
    """None: not judged."""
    correct: bool
    reward_parts: Mapping[str, float | None] = field(default_factory=dict)
    advantage: float | None = None
    temperature: float | None = None
    """None: nobody sampled it."""
    policy_version: int | None = None
    weights: Mapping[str, float | None] = field(default_factory=dict)
    """`w_sft`, `w_rl`, … of this sequence, where the method has them."""
    logprobs: np.ndarray | None = None
    """[T] float32, nats, at sampling; NaN where not known."""
    entropies: np.ndarray | None = None
    """[T] float32, nats, at sampling; NaN where not known."""
    pull: Mapping[str, np.ndarray] = field(default_factory=dict)
    """[T] float32 for each term of the loss: -Z dL_term/dlogprob."""
    entropy_pull: np.ndarray | None = None
    """[T] float32: -Z dL/dentropy."""
    advantages: np.ndarray | None = None
    """[T] float32, where the advantage is per token."""
    prefix_length: int = 0
    """The first so many tokens came from a demonstration."""
    note: str | None = None

    @staticmethod
    def of(
        row: Row,
        token_bytes: Sequence[bytes],
        *,
        temperature: float | None,
        advantage: float | None = None,
        weights: Mapping[str, float | None] | None = None,
        pull: Mapping[str, np.ndarray] | None = None,
        entropy_pull: np.ndarray | None = None,
        advantages: np.ndarray | None = None,
        logprobs: np.ndarray | None = None,
        entropies: np.ndarray | None = None,
    ) -> RowRecord:
        """A judged row and what training adds; `logprobs` and `entropies` stand in where the row has none."""
        given = row.stop_reason is StopReason.GIVEN
        return RowRecord(
            index=row.index,
            kind=row.kind,
            token_ids=row.token_ids,
            token_bytes=token_bytes,
            stop_reason=row.stop_reason,
            reward=row.reward,
            correct=row.correct,
            reward_parts=row.reward_parts,
            advantage=advantage,
            temperature=None if given else temperature,
            policy_version=None if given else row.policy_version,
            weights=weights or {},
            logprobs=logprobs if row.logprobs is None else row.logprobs,
            entropies=entropies if row.entropies is None else row.entropies,
            pull=pull or {},
            entropy_pull=entropy_pull,
            advantages=advantages,
            prefix_length=row.prefix_length,
            note=row.note,
        )


def record_kind(kind: Kind) -> RecordKind:
    """The number a row's kind has in a frame."""
    return _RECORD_KINDS[kind]


def row_columns(row: RowRecord) -> dict[str, Any]:
    """The columns a row has, by name."""
    columns: dict[str, Any] = {"id": row.token_ids}
    if row.logprobs is not None:
        columns["logprob"] = row.logprobs
    if row.entropies is not None:
        columns["entropy"] = row.entropies
    for term, values in row.pull.items():
        columns[f"pull/{term}"] = values
    if row.entropy_pull is not None:
        columns["entropy_pull"] = row.entropy_pull
    if row.advantages is not None:
        columns["advantage"] = row.advantages
    if row.prefix_length:
        origin = np.zeros(len(row.token_ids), dtype=np.uint8)
        origin[: row.prefix_length] = 1
        columns["origin"] = origin
    return columns


def index_line(
    row: RowRecord,
    *,
    id: str,
    attempt: int,
    step: int,
    group: int,
    prompt_id: str,
    address: dict[str, int] | None,
    prompt: dict[str, int] | None,
    non_finite: Callable[[str], None],
) -> dict[str, Any]:
    """A row's `wire.IndexLine`, as a plain dict; `non_finite` hears the name of each number that became null."""

    def number(name: str, value: float | None) -> float | None:
        if value is None:
            return None
        value = float(value)
        if math.isfinite(value):
            return value
        non_finite(name)
        return None

    return {
        "id": id,
        "attempt": attempt,
        "step": step,
        "group": group,
        "index": row.index,
        "prompt_id": prompt_id,
        "kind": row.kind.value,
        "reward": number("reward", row.reward),
        "parts": {name: number(f"reward/{name}", value) for name, value in row.reward_parts.items()},
        "advantage": number("advantage", row.advantage),
        "correct": bool(row.correct),
        "truncated": row.stop_reason is StopReason.LENGTH,
        "stop": row.stop_reason.value,
        "tokens": len(row.token_ids),
        "temperature": row.temperature,
        "entropy": _mean(row.entropies),
        "weights": {name: number(name, value) for name, value in row.weights.items()},
        "policy_version": row.policy_version,
        "head": _head(row.token_bytes),
        "note": row.note,
        "address": address,
        "prompt": prompt,
    }


def finite_metrics(metrics: Mapping[str, float | None]) -> tuple[dict[str, float | None], list[str]]:
    """Metrics as they are written, null where not finite, and the names that became null."""
    sound: dict[str, float | None] = {}
    lost: list[str] = []
    for name, value in metrics.items():
        number = None if value is None else float(value)
        if number is not None and not math.isfinite(number):
            lost.append(name)
            number = None
        sound[name] = number
    return sound, lost


def _mean(values: np.ndarray | None) -> float | None:
    if values is None or len(values) == 0:
        return None
    total = float(np.add.reduce(values, dtype=np.float64))
    if not math.isfinite(total):  # Some are not known: the mean of the others, or none.
        known = values[np.isfinite(values)]
        if len(known) == 0:
            return None
        return float(known.mean(dtype=np.float64))
    return total / len(values)


def _head(token_bytes: Sequence[bytes]) -> str:
    """The first words: runs of white space become one space. 80 characters need at most 320 bytes."""
    start = bytearray()
    for token in token_bytes:
        start += token
        if len(start) >= 4 * _HEAD_CHARACTERS:
            break
    text = start.decode("utf-8", errors="replace")[:_HEAD_CHARACTERS]
    return " ".join(text.split())

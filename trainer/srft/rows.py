"""The values that travel through a step: problem, request, sample, row. Plain data; NumPy, never torch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np


class Kind(str, Enum):
    """Where a sequence came from."""

    ROLLOUT = "rollout"
    DEMONSTRATION = "demonstration"
    HYBRID = "hybrid"
    EVALUATION = "evaluation"
    PROBE = "probe"


class StopReason(str, Enum):
    """Why a response ended."""

    END = "end"
    """An end token of the generation configuration."""
    LENGTH = "length"
    """The length limit: the response is truncated."""
    GIVEN = "given"
    """A demonstration: nobody sampled it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem, rendered and tokenised once, before the first step."""

    id: str
    """Unique within its set."""
    prompt_text: str
    """The rendered generation prompt, special tokens spelled out."""
    prompt_ids: tuple[int, ...]
    answer: str | None
    question: str
    """The last user message, for people and for rewards."""
    opened_tag: bool
    """The template's generation prompt itself opened the think block."""
    demonstration_text: str | None = None
    """As it continues the prompt: a tag the prompt opened is cut off."""
    demonstration_ids: tuple[int, ...] | None = None
    """With its end token, unless it was cut at the length limit."""
    demonstration_tokens: int = 0
    """Of the whole demonstration with its end token, cut or not."""
    columns: Mapping[str, Any] = field(default_factory=dict)
    """All columns of the data row, for `python` rewards."""
    place: str = ""
    """Where the row stands, for messages: `file:line`, or `file, row n`."""

    @property
    def demonstration_cut(self) -> bool:
        """Was it cut at the length limit?"""
        return self.demonstration_ids is not None and len(self.demonstration_ids) < self.demonstration_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingSettings:
    """How one response is written; the meaning and limits of `config.SamplingConfig`. Temperature 0 is greedy."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    max_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One response to be sampled. Requests with equal `prefix_ids` share their prefill."""

    id: int
    """The caller's number; comes back on the sample."""
    prefix_ids: tuple[int, ...]
    """Prompt, and for a hybrid the demonstration's first tokens."""
    settings: SamplingSettings
    seed: int
    """From `sample_seed`; random numbers depend on it and on the position alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One sampled response. T is its number of tokens."""

    request_id: int
    token_ids: np.ndarray
    """[T] int32, the end token included when one was produced."""
    stop_reason: StopReason
    policy_version: int
    logprobs: np.ndarray | None
    """[T] float32, of logits / temperature before top-p, top-k, min-p (greedy: of the plain logits); None: not kept."""
    entropies: np.ndarray | None
    """[T] float32, nats, of the same distribution; None: not kept."""


def sample_seed(run_seed: int, step: int, prompt_id: str, index: int) -> int:
    """A 63-bit seed from what names a sample, so that random numbers depend neither on batch order nor on ranks."""
    text = f"{run_seed}\x00{step}\x00{prompt_id}\x00{index}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One judged sequence of a group, ready for training and recording. T is its number of response tokens."""

    problem: Problem
    step: int
    """The step it was made in; a method may train on it later."""
    group: int
    """Number of the group within its step."""
    index: int
    """Number of the row within its group."""
    kind: Kind
    token_ids: np.ndarray
    """[T] int32: the response; for a hybrid, the demonstration's prefix and the continuation."""
    prefix_length: int = 0
    """The first so many response tokens came from a demonstration (all of them in a demonstration)."""
    stop_reason: StopReason
    policy_version: int
    reward: float
    reward_parts: Mapping[str, float]
    correct: bool
    logprobs: np.ndarray | None
    """[T] float32 at sampling time; None for demonstrations and for samplers that keep none."""
    entropies: np.ndarray | None
    note: str | None = None
    """What the judge had to say: `timeout`, `error: …`; None when nothing."""

    @property
    def place(self) -> tuple[int, int, int]:
        """(step, group, index): names the row within its attempt."""
        return self.step, self.group, self.index

    @property
    def truncated(self) -> bool:
        """Did the length limit end it?"""
        return self.stop_reason is StopReason.LENGTH


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRow:
    """A row with its advantage (S4)."""

    row: Row
    advantage: float | np.ndarray
    """One for the sequence, or [T] where it differs by token."""
    mixed: bool
    """Its group has right and wrong answers."""
    reference_logprobs: np.ndarray | None = None
    """[T] float32 under the reference; the loop fills it in where the method asked for one."""

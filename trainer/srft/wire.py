"""Everything the trainer writes for others to read, as types; the JSON schemas and the TypeScript types come from here.

Format version `major.minor`: a reader accepts any minor and keeps what it does not know; another major is refused by
name.
A metric is a number or null; null means "not a finite number", and a `non_finite` event names it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT_VERSION = "1.0"


class Wire(BaseModel):
    """Base of what is written: exact when written here, lenient in readers."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
        protected_namespaces=(),
        allow_inf_nan=False,
    )


Metrics = dict[str, float | None]


# ---------------------------------------------------------------- run.json


class Parent(Wire):
    """The run a fork came from."""

    run_id: str
    step: int
    """Checkpoint of the parent the fork starts from."""


class DataHash(Wire):
    """A file or data set, by content."""

    path: str
    """As the recipe names it."""
    sha256: str
    rows: int | None = None


class Device(Wire):
    """What the run computes on."""

    kind: Literal["cpu", "cuda", "mps"]
    name: str
    count: int
    """Ranks."""
    memory_bytes: int | None = None
    threads: int | None = None


class RunManifest(Wire):
    """`run.json`: written once, before step 1. Holds no token, no user name and no home path."""

    format: str = FORMAT_VERSION
    run_id: str
    """Random, 32 hexadecimal digits."""
    created: float
    """Seconds since 1970, UTC."""
    recipe: dict[str, Any]
    """The resolved recipe, complete."""
    recipe_file: str | None
    """The recipe's file, relative to the run directory; paths in the recipe are relative to that file's folder."""
    parent: Parent | None = None
    versions: dict[str, str]
    """Of srft, torch, transformers, …, python, platform."""
    hashes: list[DataHash]
    """Model files, tokenizer, data, reward code."""
    device: Device
    parameters: int
    trainable_parameters: int


# ---------------------------------------------------------------- status.json


class EndReason(Wire):
    """How a run ended."""

    kind: Literal["finished", "stopped", "failed", "stopped_on_collapse"]
    message: str | None = None


class Status(Wire):
    """`status.json`: replaced atomically; who runs, where it stands."""

    format: str = FORMAT_VERSION
    run_id: str
    host: str
    boot_id: str | None
    pid_namespace: str | None
    pid: int
    pid_started: float | None
    """Start time of the process as the system tells it, seconds since 1970."""
    attempt: int
    """1 for the first start; each resume adds one."""
    state: Literal["starting", "running", "paused", "stopping", "ended"]
    stage: str
    """What it is doing, in words for people: `loading the model`, `generate`, …"""
    step: int
    """The last acknowledged step."""
    steps: int
    heartbeat: int
    """Grows while the trainer lives, at least every 5 s."""
    updated: float
    metrics: Metrics
    """The newest step's."""
    end: EndReason | None = None


# ---------------------------------------------------------------- events.jsonl


class EventBase(Wire):
    """What every event has."""

    seq: int = Field(ge=0)
    """Gapless from 0."""
    time: float
    """Seconds since 1970, UTC."""


class StartedEvent(EventBase):
    """The first event of a run."""

    kind: Literal["started"] = "started"
    attempt: int
    steps: int


class ResumedEvent(EventBase):
    """A further attempt; readers drop what earlier attempts wrote after `from_step`."""

    kind: Literal["resumed"] = "resumed"
    attempt: int
    from_step: int
    device: Device
    versions: dict[str, str]


class StepEvent(EventBase):
    """One finished step: its metrics, and how far the rollout index reaches with it."""

    kind: Literal["step"] = "step"
    step: int
    phase: str
    """Name of the method at work; changes in `sft_rl`."""
    metrics: Metrics
    """docs/run-directory.md lists the names; `seconds/…` is the time ledger and sums to `seconds/step`."""
    index_bytes: int
    """Length of `rollouts/index.jsonl` once this step's lines are in it."""
    tokens: int
    """Response tokens generated since the run began."""


class PhaseEvent(EventBase):
    """From this step on another method is at work."""

    kind: Literal["phase"] = "phase"
    step: int
    phase: str


class Interval(Wire):
    """A figure with its 95 % interval (Wilson for shares)."""

    value: float
    low: float
    high: float
    count: int


class EvaluationEvent(EventBase):
    """One pass over a held-out set."""

    kind: Literal["evaluation"] = "evaluation"
    step: int
    name: Literal["evaluation", "final_evaluation"]
    checkpoint: Literal["current", "last", "best"] = "current"
    greedy: dict[str, Interval]
    """`accuracy` first, then each reward part."""
    sampled: dict[str, Interval] | None = None
    """`avg@k` and `pass@k`."""
    metrics: Metrics
    """Mean length, entropy, share truncated, seconds."""
    index_bytes: int


class CheckpointEvent(EventBase):
    """A checkpoint is complete on disk."""

    kind: Literal["checkpoint"] = "checkpoint"
    step: int
    path: str
    """Relative to the run directory."""
    bytes: int
    accuracy: float | None
    """Held-out greedy accuracy at this step, when it was measured."""
    best: bool
    chosen_on: str | None
    """The set `best` was judged on."""
    removed: list[int]
    """Steps whose checkpoints were deleted for it."""


class ControlEvent(EventBase):
    """A request was obeyed, refused or discarded."""

    kind: Literal["control"] = "control"
    request: str
    """File name without `.json`."""
    asked: str
    """`stop`, `pause`, `continue`, `checkpoint`, or what else stood there."""
    outcome: Literal["done", "refused", "discarded"]
    reason: str | None = None
    step: int


class NonFiniteEvent(EventBase):
    """A loss, gradient or metric was NaN or infinite; the update was left out."""

    kind: Literal["non_finite"] = "non_finite"
    step: int
    names: list[str]
    consequence: str


class NoticeEvent(EventBase):
    """Something a person should know that changes no record: skipped update, halved micro-batch, recording cut, …"""

    kind: Literal["notice"] = "notice"
    step: int
    name: str
    """A fixed name a program can act on: `update_skipped`, `micro_batch_halved`, `recording_thinned`, …"""
    message: str


class EndedEvent(EventBase):
    """The end, whatever it was. A run without this event has not ended."""

    kind: Literal["ended"] = "ended"
    step: int
    end: EndReason


RunEvent = Annotated[
    StartedEvent
    | ResumedEvent
    | StepEvent
    | PhaseEvent
    | EvaluationEvent
    | CheckpointEvent
    | ControlEvent
    | NonFiniteEvent
    | NoticeEvent
    | EndedEvent,
    Field(discriminator="kind"),
]


# ---------------------------------------------------------------- rollouts


class Column(Wire):
    """One column of a segment."""

    name: str
    dtype: Literal["u8", "u16", "u32", "i32", "f16", "f32"]
    unit: str | None
    per: Literal["token", "byte"]
    """One value a token of the response, or raw bytes."""


class SegmentHeader(Wire):
    """The first record of a segment, as JSON: which columns its records have, in this order."""

    format: str = FORMAT_VERSION
    columns: list[Column]


class Address(Wire):
    """Where a record lies."""

    segment: int
    """Number of the file `rollouts/NNNNNN.seg`."""
    offset: int
    """Of the record's magic number, in bytes."""
    length: int
    """Of the whole record, frame included."""


class IndexLine(Wire):
    """One line of `rollouts/index.jsonl`: one rollout, demonstration, hybrid, evaluation answer or probe."""

    id: str
    """`a<attempt>-s<step>-g<group>-<index>`, unique in the run; the letter before the step tells the pass: `s` a
    training step, `e` an evaluation, `l` and `b` the final evaluation of the last and best checkpoint, `p` a probe."""
    attempt: int
    step: int
    group: int
    index: int
    prompt_id: str
    kind: Literal["rollout", "demonstration", "hybrid", "evaluation", "probe"]
    reward: float | None
    parts: dict[str, float | None]
    advantage: float | None
    correct: bool
    truncated: bool
    stop: Literal["end", "length", "given"]
    tokens: int
    temperature: float | None
    entropy: float | None
    """Mean over the response, nats."""
    weights: Metrics
    """`w_sft`, `w_rl` … of this sequence, where the method has them."""
    policy_version: int | None
    """Optimiser updates the sampling policy had seen."""
    head: str
    """The first words, at most 80 characters, invalid UTF-8 replaced."""
    note: str | None = None
    """`timeout`, `error: …` of the judge."""
    address: Address | None
    """Null when the tokens were not kept (`recording.max_gb`)."""
    prompt: Address | None
    """Where the group's prompt stands, a record of kind `prompt`."""


# ---------------------------------------------------------------- live.json, control


class Live(Wire):
    """`live.json`: what happens now; replaced at most 4 times a second; nothing in it is a record."""

    format: str = FORMAT_VERSION
    step: int
    phase: Literal["starting", "generate", "logprob", "reward", "train", "record", "evaluate", "checkpoint", "paused"]
    done: int
    """Of `total`: responses finished, rows trained, problems asked."""
    total: int
    tokens_per_second: float | None
    prompt: str | None
    """Text of the watched rollout's prompt."""
    text: str | None
    """The watched rollout so far."""
    updated: float


class ControlRequest(BaseModel):
    """`control/<uuid>.json`: a wish of a person or the editor."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    kind: Literal["stop", "pause", "continue", "checkpoint"]
    created: float
    by: str = Field(max_length=200)
    arguments: dict[str, Any] = Field(default_factory=dict)
    """`stop`: `{"checkpoint": true}` asks for a checkpoint first."""

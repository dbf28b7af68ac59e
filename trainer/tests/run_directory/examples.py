"""Small runs for tests: values that are exact in binary, so that sums are the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from srft import wire
from srft.rows import Kind, StopReason
from srft.run_directory import PromptRecord, RowRecord, RunDirectory, WriterOptions
from srft.run_directory.process import ProcessIdentity

DEVICE = wire.Device(kind="cpu", name="a processor", count=1, memory_bytes=2**33, threads=2)
VERSIONS = {"srft": "0.1.0", "torch": "2.10.0", "python": "3.11.7", "platform": "linux"}
IDENTITY = ProcessIdentity("host", "boot", "pid:[1]", 4242, 1_700_000_000.0)


def manifest(**changes) -> wire.RunManifest:
    plain = wire.RunManifest(
        run_id="0123456789abcdef" * 2,
        created=1_700_000_000.0,
        recipe={"name": "rich", "seed": 7, "training": {"steps": 6}},
        recipe_file="../rich.srft.json",
        versions=VERSIONS,
        hashes=[wire.DataHash(path="data/train.jsonl", sha256="0" * 64, rows=3)],
        device=DEVICE,
        parameters=1000,
        trainable_parameters=100,
    )
    return plain.model_copy(update=changes)


def options(**changes) -> WriterOptions:
    return replace(WriterOptions(steps=6, seed=7, identity=IDENTITY), **changes)


def create(path: Path, **changes) -> RunDirectory:
    return RunDirectory.create(path, manifest(), options(**changes))


def resume(path: Path, from_step: int, **changes) -> RunDirectory:
    return RunDirectory.resume(path, options(**changes), from_step=from_step, device=DEVICE, versions=VERSIONS)


def prompt(text: str = "<s>What is 1 + 2?", prompt_id: str = "p1") -> PromptRecord:
    words = pieces(text)
    return PromptRecord(prompt_id=prompt_id, token_ids=np.arange(len(words)), token_bytes=words)


def row(
    index: int = 0, words: Sequence[bytes] = (b"1 + 2 ", b"= ", b"3", b"</s>"), seed: int = 0, **changes
) -> RowRecord:
    numbers = np.random.default_rng([seed, index])
    count = len(words)

    def column() -> np.ndarray:
        return (numbers.integers(-256, 256, count) / 64).astype(np.float32)

    plain = RowRecord(
        index=index,
        kind=Kind.ROLLOUT,
        token_ids=numbers.integers(0, 151_936, count).astype(np.int32),
        token_bytes=list(words),
        stop_reason=StopReason.END,
        reward=1.0,
        correct=True,
        reward_parts={"exact": 1.0},
        advantage=0.5,
        temperature=1.0,
        policy_version=3,
        weights={"w_rl": 0.25},
        logprobs=-np.abs(column()),
        entropies=np.abs(column()),
        pull={"self": column()},
        entropy_pull=column(),
    )
    return replace(plain, **changes)


def write_step(run: RunDirectory, step: int, groups: int = 2, rows: int = 2) -> None:
    for group in range(groups):
        run.append_group(step, group, prompt(), [row(index, seed=100 * step + group) for index in range(rows)])
    run.step(step, phase="srft", metrics={"loss/total": step / 4, "reward/mean": 0.5}, tokens=8 * step)


def pieces(text: str) -> list[bytes]:
    """Cut into words as a tokenizer would: spaces stay with the word behind them."""
    words = text.split(" ")
    return [(" " + word if n else word).encode() for n, word in enumerate(words)]

"""Checkpoints: Hugging Face layout, plus `trainer_state/` for an exact resume. Written aside, renamed when complete."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from srft.engine.policy import Policy
from srft.errors import InputError

STATE_FOLDER = "trainer_state"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerState:
    """What an exact resume needs beside the weights."""

    tensors: Mapping[str, Mapping[str, Tensor]]
    """By part: `optimiser-<name>`, `reference`."""
    values: Mapping[str, Any]
    """Step, policy version, cursor of the prompts, state of the methods: JSON."""


def write_checkpoint(folder: Path, policy: Policy, state: TrainerState) -> int:
    """Write a checkpoint as `folder`, which appears only when it is complete; returns its bytes.

    A left-over of an interrupted write is replaced. Raises `OSError` when the disk refuses.
    """
    aside = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    (aside / STATE_FOLDER).mkdir(parents=True)
    try:
        policy.model.save_pretrained(aside, max_shard_size="1000GB")
        policy.tokenizer.save_pretrained(aside)
        for part, tensors in state.tensors.items():
            save_file(
                {name: tensor.contiguous() for name, tensor in tensors.items()},
                aside / STATE_FOLDER / f"{part}.safetensors",
            )
        (aside / STATE_FOLDER / "state.json").write_text(json.dumps(state.values), encoding="utf-8")
        for path in sorted(aside.rglob("*")):
            _sync(path)
        _sync(aside)
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
        _sync(folder.parent)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def read_state(folder: Path) -> TrainerState:
    """The trainer state of a checkpoint. Raises `InputError` when it has none (only the newest keeps it)."""
    inside = folder / STATE_FOLDER
    if not (inside / "state.json").is_file():
        raise InputError(
            "the checkpoint has no trainer_state, which only the newest of a run keeps",
            where=str(folder),
            remedy="resume from the newest checkpoint, or fork from this one",
        )
    return TrainerState(
        tensors={path.stem: load_file(path) for path in sorted(inside.glob("*.safetensors"))},
        values=json.loads((inside / "state.json").read_text(encoding="utf-8")),
    )


def drop_state(folder: Path) -> None:
    """Free the trainer state of an older checkpoint; its weights stay."""
    shutil.rmtree(folder / STATE_FOLDER, ignore_errors=True)


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

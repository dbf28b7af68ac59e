"""Checkpoints: Hugging Face layout, plus `trainer_state/` for an exact resume. Written aside, renamed when complete."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from srft.engine.policy import Policy
from srft.errors import InputError

STATE_FOLDER = "trainer_state"
_PARTIAL = ".partial"
_OS_ERROR = re.compile(r"\(os error (\d+)\)")


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
    aside = folder.with_name(f".{folder.name}{_PARTIAL}")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        (aside / STATE_FOLDER).mkdir(parents=True)
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
    except BaseException as error:
        shutil.rmtree(aside, ignore_errors=True)
        if isinstance(error, SafetensorError):
            raise _as_os_error(error) from error
        raise
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def read_state(folder: Path) -> TrainerState:
    """The trainer state of a checkpoint. Raises `InputError` when it is damaged or has none."""
    inside = folder / STATE_FOLDER
    if not (inside / "state.json").is_file():
        raise InputError(
            "the checkpoint has no trainer_state, which only the newest of a run keeps",
            where=str(folder),
            remedy="resume from the newest checkpoint, or fork from this one",
        )
    try:
        return TrainerState(
            tensors={path.stem: load_file(path) for path in sorted(inside.glob("*.safetensors"))},
            values=json.loads((inside / "state.json").read_text(encoding="utf-8")),
        )
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(
            f"the trainer_state cannot be read ({error})",
            where=str(folder),
            remedy="copy the run folder once more, or remove that trainer_state and begin a new run with --fork",
        ) from error


def drop_state(folder: Path) -> None:
    """Free the trainer state of an older checkpoint; its weights stay."""
    shutil.rmtree(folder / STATE_FOLDER, ignore_errors=True)


def remove_left_overs(checkpoints: Path) -> None:
    """Remove what interrupted writes left in a `checkpoints` folder."""
    for path in checkpoints.glob(f".*{_PARTIAL}"):
        shutil.rmtree(path, ignore_errors=True)


def _as_os_error(error: SafetensorError) -> OSError:
    """safetensors tells the disk's refusal only in words: `… (os error 28)`."""
    found = _OS_ERROR.search(str(error))
    return OSError(int(found[1]), os.strerror(int(found[1]))) if found else OSError(str(error))


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""`srft export`: a checkpoint as a plain model folder that any tool can load; adapters are merged into the weights."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from torch import nn

from srft.data.places import shown_path
from srft.engine.checkpoint import STATE_FOLDER
from srft.engine.policy import load_policy
from srft.errors import InputError
from srft.launch import Fork
from srft.resuming import recipe_of_run
from srft.run_directory.errors import RunDirectoryError


def export_checkpoint(run_dir: Path, step: int, target: Path) -> None:
    """Write the model of RUN at `step` to `target`, which must not exist or be empty.

    Raises `InputError`, and `RunDirectoryError` when the disk refuses; what was begun is then removed.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError("there is something already", where=str(target), remedy="name a new or empty folder with --to")
    checkpoint = Fork(run=run_dir, step=step).checkpoint()
    try:
        _export(run_dir, checkpoint, target)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(target, ignore_errors=True)
        raise RunDirectoryError(
            f"the model cannot be written ({error})",
            where=str(target),
            remedy="free space there, make it writable, or name another folder with --to",
        ) from error


def _export(run_dir: Path, checkpoint: Path, target: Path) -> None:
    if not (checkpoint / "adapter_config.json").is_file():
        shutil.copytree(checkpoint, target, ignore=shutil.ignore_patterns(STATE_FOLDER), dirs_exist_ok=True)
        return
    loaded = recipe_of_run(run_dir, None)
    # Merging needs no accelerator, and the run may have had one that is not here.
    model = loaded.recipe.model.model_copy(update={"device": "cpu"})
    policy = load_policy(model, loaded.base_dir, seed=0, where=shown_path(loaded.path), checkpoint=checkpoint)
    _untie(policy.model)
    policy.model.merge_and_unload().save_pretrained(target)
    policy.tokenizer.save_pretrained(target)


def _untie(model: Any) -> None:
    """Give embeddings and head a weight each where one of them has an adapter, which the other must not get."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    base = model.get_base_model()
    embeddings, head = base.get_input_embeddings(), base.get_output_embeddings()
    if embeddings.weight is not head.weight or not any(isinstance(m, BaseTunerLayer) for m in (embeddings, head)):
        return
    inner = head.get_base_layer() if isinstance(head, BaseTunerLayer) else head
    inner.weight = nn.Parameter(head.weight.detach().clone(), requires_grad=False)
    base.config.tie_word_embeddings = False

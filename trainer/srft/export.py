"""`srft export`: a checkpoint as a plain model folder that any tool can load; adapters are merged into the weights."""

from __future__ import annotations

import shutil
from pathlib import Path

from srft.data.places import shown_path
from srft.engine.checkpoint import STATE_FOLDER
from srft.engine.policy import load_policy
from srft.errors import InputError
from srft.launch import Fork, recipe_of_run


def export_checkpoint(run_dir: Path, step: int, target: Path) -> None:
    """Write the model of RUN at `step` to `target`, which must not exist or be empty. Raises `InputError`."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError("there is something already", where=str(target), remedy="name a new or empty folder with --to")
    checkpoint = Fork(run=run_dir, step=step).checkpoint()
    if not (checkpoint / "adapter_config.json").is_file():
        shutil.copytree(checkpoint, target, ignore=shutil.ignore_patterns(STATE_FOLDER), dirs_exist_ok=True)
        return
    loaded = recipe_of_run(run_dir, None)
    policy = load_policy(
        loaded.recipe.model, loaded.base_dir, seed=0, where=shown_path(loaded.path), checkpoint=checkpoint
    )
    policy.model.merge_and_unload().save_pretrained(target)
    policy.tokenizer.save_pretrained(target)

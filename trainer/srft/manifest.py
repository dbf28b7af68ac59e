"""`run.json`: what ran, on what, made of what; no token, no user name, no home path."""

from __future__ import annotations

import hashlib
import os
import platform
import secrets
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import torch

from srft import __version__
from srft.config import PythonReward, Recipe
from srft.engine.model_files import model_folder
from srft.engine.policy import Policy
from srft.preparation import Prepared
from srft.wire import DataHash, Device, Parent, RunManifest

_PACKAGES = ("torch", "transformers", "tokenizers", "peft", "safetensors", "numpy", "math-verify")
_MODEL_FILES = (
    "*.safetensors",
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
)


def make_manifest(ready: Prepared, run_dir: Path, parent: Parent | None) -> RunManifest:
    """The manifest of a new run."""
    recipe, base_dir, policy = ready.recipe, ready.base_dir, ready.policy
    return RunManifest(
        run_id=secrets.token_hex(16),
        created=time.time(),
        recipe=recipe.model_dump(mode="json", by_alias=True),
        recipe_file=_relative(ready.loaded.path.resolve(), run_dir.resolve()),
        parent=parent,
        versions=versions(),
        hashes=[
            *_model_hashes(recipe, base_dir),
            *_data_hashes(recipe, base_dir, ready.row_counts()),
            *_reward_hashes(recipe, base_dir),
        ],
        device=device_of(policy),
        parameters=sum(parameter.numel() for parameter in policy.model.parameters()),
        trainable_parameters=sum(parameter.numel() for parameter in policy.names.values()),
    )


def versions() -> dict[str, str]:
    """Of the software that computes."""
    found = {"srft": __version__, "python": platform.python_version(), "platform": platform.platform(terse=True)}
    for package in _PACKAGES:
        found[package] = metadata.version(package)
    return found


def device_of(policy: Policy) -> Device:
    """What the run computes on."""
    if policy.device.type == "cuda":
        properties = torch.cuda.get_device_properties(policy.device)
        return Device(kind="cuda", name=properties.name, count=1, memory_bytes=properties.total_memory)
    name = platform.processor() or platform.machine()
    kind = "mps" if policy.device.type == "mps" else "cpu"
    return Device(kind=kind, name=name, count=1, threads=torch.get_num_threads() if kind == "cpu" else None)


def _relative(path: Path, folder: Path) -> str | None:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # On another drive of Windows there is no relative path.
        return None


def _model_hashes(recipe: Recipe, base_dir: Path) -> list[DataHash]:
    folder = model_folder(recipe.model, base_dir, "", offline=True).path
    paths = sorted({path for pattern in _MODEL_FILES for path in folder.glob(pattern)})
    return [DataHash(path=f"{recipe.model.path}/{path.name}", sha256=_sha256([path])) for path in paths]


def _data_hashes(recipe: Recipe, base_dir: Path, rows: Sequence[int]) -> list[DataHash]:
    sets = [recipe.data, *(owner.data for owner in (recipe.evaluation, recipe.final_evaluation) if owner is not None)]
    hashes = []
    for data, count in zip(sets, rows, strict=True):
        place = base_dir / data.path
        if place.is_file():
            hashes.append(DataHash(path=data.path, sha256=_sha256([place]), rows=count))
        elif place.is_dir():
            files = sorted(path for path in place.rglob("*") if path.is_file())
            hashes.append(DataHash(path=data.path, sha256=_sha256(files), rows=count))
    return hashes


def _reward_hashes(recipe: Recipe, base_dir: Path) -> list[DataHash]:
    return [
        DataHash(path=part.path, sha256=_sha256([base_dir / part.path]))
        for part in recipe.reward.parts
        if isinstance(part, PythonReward)
    ]


def _sha256(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()

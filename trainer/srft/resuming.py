"""With which recipe a run goes on: its own, but for the keys that bound memory and change no result."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from srft.config import Recipe, resolve
from srft.data.places import shown_path
from srft.errors import InputError
from srft.recipe import LoadedRecipe
from srft.recipe_faults import faults_of
from srft.run_directory.reader import read_manifest

MEMORY_KEYS = (
    "training.micro_batch_tokens",
    "rollouts.batch_tokens",
    "model.gradient_checkpointing",
    "model.threads",
    "model.device",
)
"""What a resumed run may change: how much is computed at once and where, not what is computed."""


def recipe_of_run(run_dir: Path, given: LoadedRecipe | None, memory: Sequence[tuple[str, str]] = ()) -> LoadedRecipe:
    """The recipe a run was started with, and the folder its paths are relative to.

    `given`, if any, must say the same; `memory` are (key, value) of `MEMORY_KEYS` that replace the run's own.
    """
    manifest = read_manifest(run_dir)
    own = with_memory_settings(Recipe.model_validate(manifest["recipe"]), memory)
    if given is not None:
        key = _first_difference(resolve(given.recipe), Recipe.model_validate(manifest["recipe"]))
        if key is not None:
            raise InputError(
                f"`{key}` differs from the recipe the run was started with",
                where=shown_path(given.path),
                remedy="resume without naming a recipe, or use --fork to change something",
            )
        return replace(given, recipe=own)
    file = manifest.get("recipe_file")
    path = run_dir / file if file is not None else None
    if path is None or not path.parent.is_dir():
        raise InputError(
            "the folder its recipe lay in is gone, and the recipe's paths are relative to it",
            where=shown_path(run_dir),
            remedy="bring that folder back, or name the recipe: srft train RECIPE --resume --run-dir DIR",
        )
    return LoadedRecipe(recipe=own, base_dir=path.parent.resolve(), path=path, text_hash="")


def with_memory_settings(recipe: Recipe, overrides: Sequence[tuple[str, str]]) -> Recipe:
    """The recipe with some of `MEMORY_KEYS` changed. Raises `InputError` for any other key and for a wrong value."""
    for key, text in overrides:
        where = f"--set {key}={text}"
        if key not in MEMORY_KEYS:
            raise InputError(
                f"a resumed run keeps its recipe, `{key}` too",
                where=where,
                remedy=f"use --fork to change it; with --resume only {', '.join(MEMORY_KEYS)} may change",
            )
        section, name = key.split(".")
        value = recipe.model_dump(mode="json", by_alias=True)
        try:
            value[section][name] = json.loads(text, parse_constant=str)
        except ValueError:
            value[section][name] = text
        try:
            recipe = Recipe.model_validate_json(json.dumps(value), strict=True)
        except ValidationError as error:
            fault = faults_of(error, value)[0]
            raise InputError(fault.what, where=where, remedy=fault.remedy) from None
    return recipe


def _first_difference(given: Recipe, own: Recipe) -> str | None:
    """The first key path in which two recipes differ that matters to a run's results."""
    left, right = _flat(given), _flat(own)
    return next((key for key in (*left, *right) if left.get(key) != right.get(key)), None)


def _flat(recipe: Recipe) -> dict[str, Any]:
    def walk(prefix: str, value: Mapping[str, Any]) -> dict[str, Any]:
        flat: dict[str, Any] = {}
        for key, inner in value.items():
            flat |= walk(f"{prefix}{key}.", inner) if isinstance(inner, dict) else {f"{prefix}{key}": inner}
        return flat

    found = walk("", recipe.model_dump(mode="json", by_alias=True))
    return {key: value for key, value in found.items() if key not in ("$schema", "name", *MEMORY_KEYS)}

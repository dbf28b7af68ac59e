"""Reading a recipe: text → JSON → overrides → `config.Recipe`; a fault becomes one sentence with file, line and key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from srft.config import Recipe
from srft.data.places import shown_path
from srft.errors import InputError
from srft.jsonc import JsoncError, KeyPath, Located, parse_jsonc
from srft.recipe_faults import Fault, faults_of

_MAX_RECIPE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class LoadedRecipe:
    """A recipe and where it came from."""

    recipe: Recipe
    base_dir: Path
    """Paths in the recipe are relative to it."""
    path: Path
    text_hash: str
    """SHA-256 of the file's bytes, hexadecimal; overrides are not in it."""
    overrides: tuple[tuple[str, str], ...] = ()
    """What `--set` changed, as given."""


class RecipeError(InputError):
    """Everything that is wrong in a recipe; its text has one sentence a line."""

    def __init__(self, faults: Sequence[InputError]) -> None:
        first = faults[0]
        super().__init__(first.what, where=first.where, remedy=first.remedy)
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


def load_recipe(path: str | Path, overrides: Sequence[tuple[str, str]] = ()) -> LoadedRecipe:
    """Read, override, check.

    An override is (key path, value), as in `--set training.steps=5`; the value is read as JSON, or else as a text.
    Raises `InputError` when the file cannot be read or parsed, `RecipeError` when keys or values are wrong.
    """
    path = Path(path)
    data = _read_bytes(path)
    located = _parse(path, _decode(path, data))
    if not isinstance(located.value, dict):
        raise InputError(
            "the recipe is not a JSON object", where=f"{shown_path(path)}:1", remedy="begin with { and end with }"
        )
    places: dict[KeyPath, str] = {}
    for key, value in overrides:
        places[_override(located.value, key, value)] = f"--set {key}={value}"
    recipe = _validate(path, located, places)
    return LoadedRecipe(recipe, path.resolve().parent, path, hashlib.sha256(data).hexdigest(), tuple(overrides))


def _read_bytes(path: Path) -> bytes:
    where = shown_path(path)
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise InputError("this is a folder, not a recipe", where=where, remedy="name the .srft.json file in it")
        if size > _MAX_RECIPE_BYTES:
            raise InputError(
                f"the file has {size} bytes, more than a recipe's 1 MiB", where=where, remedy="name a recipe"
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError("there is no such file", where=where, remedy="correct the path of the recipe") from None
    except OSError as error:
        raise InputError(
            f"the recipe cannot be read ({error.strerror})", where=where, remedy="correct its permissions or its path"
        ) from None


def _decode(path: Path, data: bytes) -> str:
    where = shown_path(path)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError("the recipe is UTF-16", where=where, remedy="save it as UTF-8")
    if b"\x00" in data:
        raise InputError("this is a binary file, not a recipe", where=where, remedy="name a JSON file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"byte {data[error.start]:#04x} is not UTF-8", where=f"{where}:{line}", remedy="save the recipe as UTF-8"
        ) from None
    if not text.strip():
        raise InputError(
            "the recipe is empty", where=where, remedy='begin with {"model": {"path": …}, "data": {"path": …}}'
        )
    return text


def _parse(path: Path, text: str) -> Located:
    try:
        return parse_jsonc(text)
    except JsoncError as error:
        raise InputError(error.what, where=f"{shown_path(path)}:{error.line}", remedy=error.remedy) from None


def _override(value: Any, key: str, text: str) -> KeyPath:
    """Put one override into the parsed recipe; returns its key path."""
    where = f"--set {key}={text}"
    parts: list[str | int] = list(key.split("."))
    if not all(parts):
        raise InputError(f"`{key}` is no key path", where=where, remedy="write it like training.steps=5")
    try:
        new = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        new = text
    node = value
    for depth, part in enumerate(parts):
        last = depth == len(parts) - 1
        if isinstance(node, list):
            if not (str(part).isdigit() and int(part) < len(node)):
                raise InputError(
                    f"`{'.'.join(map(str, parts[:depth]))}` is a list of {len(node)}, and `{part}` is no place in it",
                    where=where,
                    remedy=f"give a number from 0 to {len(node) - 1}" if node else "set the whole list",
                )
            parts[depth] = part = int(part)
        elif not isinstance(node, dict):
            raise InputError(
                f"`{'.'.join(map(str, parts[:depth]))}` is {json.dumps(node)} and has no keys inside",
                where=where,
                remedy="set it to an object",
            )
        if last:
            node[part] = new
        else:
            if isinstance(node, dict) and node.get(part) is None:
                node[part] = {}
            node = node[part]
    return tuple(parts)


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _validate(path: Path, located: Located, places: dict[KeyPath, str]) -> Recipe:
    try:
        return Recipe.model_validate_json(json.dumps(located.value), strict=True)
    except ValidationError as error:
        faults = faults_of(error, located.value)
    raise RecipeError([_as_error(fault, path, located.lines, places) for fault in faults]) from None


def _as_error(fault: Fault, path: Path, lines: dict[KeyPath, int], places: dict[KeyPath, str]) -> InputError:
    """Name the place: the override that set the key, else the line of the key or of the nearest object around it."""
    for length in range(len(fault.path), 0, -1):
        prefix = fault.path[:length]
        if prefix in places:
            return InputError(fault.what, where=places[prefix], remedy=fault.remedy)
        if prefix in lines:
            return InputError(fault.what, where=f"{shown_path(path)}:{lines[prefix]}", remedy=fault.remedy)
        for key, place in places.items():
            if key[:length] == prefix:
                return InputError(fault.what, where=place, remedy=fault.remedy)
    return InputError(fault.what, where=shown_path(path), remedy=fault.remedy)

"""From pydantic's errors about a recipe to sentences a person can act on. Pure: data in, data out."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from srft.config import Recipe
from srft.data.places import nearest, shortened
from srft.jsonc import KeyPath


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: at which key, what, and what to do."""

    path: KeyPath
    what: str
    remedy: str


def faults_of(error: ValidationError, value: Mapping[str, Any]) -> list[Fault]:
    """One fault for each thing wrong in `value`, which `error` is about; never empty."""
    details = [(_key_path(detail["loc"], value, detail["type"]), detail) for detail in error.errors(include_url=False)]
    details = [pair for pair in details if not _is_echo(pair, details)]
    faults: dict[KeyPath, Fault] = {}
    for path, detail in details:
        faults.setdefault(path, _fault(path, detail, value))
    return list(faults.values())


def _key_path(location: tuple[str | int, ...], value: Any, kind: str) -> KeyPath:
    """The path in the recipe: pydantic's location without the names of union members, which are no keys."""
    path: list[str | int] = []
    node = value
    for position, part in enumerate(location):
        if _has(node, part):
            node = node[part]
        elif not (kind == "missing" and position == len(location) - 1):
            continue
        path.append(part)
    return tuple(path)


def _has(node: Any, part: str | int) -> bool:
    if isinstance(node, list):
        return isinstance(part, int) and part < len(node)
    return isinstance(node, dict) and part in node


def _is_echo(pair: tuple[KeyPath, Any], details: list[tuple[KeyPath, Any]]) -> bool:
    """Does this error only follow from another one: a list short of its faulty items, the other members of a union?"""
    path, detail = pair
    kind, given = detail["type"], detail["input"]
    deeper = any(other[: len(path)] == path and len(other) > len(path) for other, _ in details)
    if kind == "too_short" and deeper:
        return True
    if path[-1:] == ("columns",):
        return (kind == "literal_error" and isinstance(given, dict)) or (
            kind == "model_type" and isinstance(given, str)
        )
    return False


def _fault(path: KeyPath, detail: Any, value: Mapping[str, Any]) -> Fault:
    key, given, context = dotted(path), detail["input"], detail.get("ctx", {})
    field = _field_at(path, value)
    match detail["type"]:
        case "extra_forbidden":
            return _unknown_key(path, value)
        case "missing":
            meaning = f" ({_sentence(field)})" if field else ""
            return Fault(path, f"`{key}` is missing", f"add it{meaning}")
        case "union_tag_not_found":
            kinds = _kinds(path, value)
            return Fault(path, f"`{key}` has no `kind`", f"add one of {_choices(kinds)}")
        case "union_tag_invalid":
            kinds = _kinds(path, value)
            tag = str(context["tag"])
            return Fault((*path, "kind"), f'`{key}.kind` is "{tag}"', _did_you_mean(tag, kinds))
        case "literal_error":
            choices = re.findall(r"'([^']*)'", context["expected"])
            if choices and isinstance(given, str):
                return Fault(path, f"`{key}` is {shortened(given)}", _did_you_mean(given, choices))
            return Fault(
                path,
                f"`{key}` is {shortened(given)}",
                f"it can only be {context['expected']}".replace("False", "false"),
            )
        case "value_error":
            what, _, remedy = str(context["error"]).partition("; ")
            named = re.match(r"`([a-z_]+)`|`?([a-z_]+(?:\.[a-z_0-9]+)+)", what)
            at = tuple((named[1] or named[2]).split(".")) if named else path
            return Fault(at, what, remedy or "change one of them")
        case "string_pattern_mismatch" | "string_too_short":
            return Fault(path, f"`{key}` is {shortened(given)}", _form(context))
        case "too_short" | "too_long" if isinstance(given, list):
            return Fault(path, f"`{key}` has {_count(len(given), 'item')}", _needed_length(field, context))
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            return Fault(path, f"`{key}` is {shortened(given)}", f"give a number {_limits(field, context)}")
        case _:
            kind = "" if given is None else f", which is {_kind_of(given)}"
            return Fault(path, f"`{key}` is {shortened(given)}{kind}", _needed_type(detail, _nullable(path, field)))


def dotted(path: KeyPath) -> str:
    """A key path as people write it."""
    return ".".join(map(str, path))


def _unknown_key(path: KeyPath, value: Mapping[str, Any]) -> Fault:
    word, around = str(path[-1]), dotted(path[:-1])
    model = _model_at(path[:-1], value)
    known = _keys(model) if model else []
    what = f"`{dotted(path)}` is no option" + (f" of `{around}`" if around else "")
    near = nearest(word, known)
    if near:
        return Fault(path, what, f"write `{near}`, the nearest known key")
    others = [kind for kind, keys in _keys_by_kind(path[:-1], value) if word in keys]
    if others:
        return Fault(path, what, f"remove it, or set `{around}.kind` to {_choices(others)}, which has it")
    elsewhere = [dotted(other) for other in _all_paths(Recipe, ()) if other[-1] == word]
    if elsewhere:
        return Fault(path, what, f"move it to `{elsewhere[0]}`")
    return Fault(path, what, "remove it; known here: " + ", ".join(known))


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _all_paths(model: type[BaseModel], around: KeyPath) -> Iterator[KeyPath]:
    for name, field in model.model_fields.items():
        path = (*around, field.alias or name)
        yield path
        for inner in _models_in(field.annotation):
            yield from _all_paths(inner, path)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The sections an annotation allows, members of unions, tuples and `Annotated` included."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, typing.Annotated, tuple):
        return [model for part in typing.get_args(annotation) for model in _models_in(part)]
    return []


def _model_at(path: KeyPath, value: Any) -> type[BaseModel] | None:
    """The section at a path; in a union, the member the recipe's `kind` names."""
    models: list[type[BaseModel]] = [Recipe]
    node = value
    for part in path:
        node = node[part] if isinstance(node, (dict, list)) and not isinstance(part, slice) else None
        if isinstance(part, int):
            models = _of_kind(models, node)
            continue
        fields = {field.alias or name: field for model in models for name, field in model.model_fields.items()}
        if part not in fields:
            return None
        models = _of_kind(_models_in(fields[part].annotation), node)
    return models[0] if len(models) == 1 else None


def _of_kind(models: list[type[BaseModel]], node: Any) -> list[type[BaseModel]]:
    kind = node.get("kind") if isinstance(node, dict) else None
    chosen = [model for model in models if "kind" in model.model_fields and model.model_fields["kind"].default == kind]
    return chosen or models


def _field_at(path: KeyPath, value: Any) -> FieldInfo | None:
    while path and isinstance(path[-1], int):
        path = path[:-1]
    model = _model_at(path[:-1], value) if path else None
    for name, field in model.model_fields.items() if model else ():
        if (field.alias or name) == path[-1]:
            return field
    return None


def _kinds(path: KeyPath, value: Any) -> list[str]:
    """The kinds of the union at a path."""
    return [kind for kind, _ in _keys_by_kind(path, value)]


def _keys_by_kind(path: KeyPath, value: Any) -> list[tuple[str, list[str]]]:
    """Of a union at a path: each kind and its keys."""
    field = _field_at(path, value)
    models = _models_in(field.annotation) if field else []
    return [(str(model.model_fields["kind"].default), _keys(model)) for model in models if "kind" in model.model_fields]


def _choices(words: list[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)


def _did_you_mean(word: str, words: list[str]) -> str:
    if len(words) == 1:
        return f"write {_choices(words)}"
    near = nearest(word, words)
    return f'write "{near}", the nearest of {_choices(words)}' if near else f"write one of {_choices(words)}"


def _sentence(field: FieldInfo) -> str:
    return (field.description or "").split("\n")[0].rstrip(".").replace("`", "")


def _limits(field: FieldInfo | None, context: Mapping[str, Any]) -> str:
    """Both limits, also the one that was kept."""
    words = {"ge": "of at least", "gt": "above", "le": "at most", "lt": "below"}
    found = {
        name: getattr(item, name) for item in (field.metadata if field else ()) for name in words if hasattr(item, name)
    }
    found = found or dict(context)
    if "lt" in found and found["lt"] == 2**53:
        found["lt"] = "2^53"
    return " and ".join(f"{words[name]} {found[name]}" for name in words if name in found)


def _form(context: Mapping[str, Any]) -> str:
    if "min_length" in context:
        return "write a text that is not empty"
    forms = {
        r"^\d{4}-\d{2}-\d{2}$": "write a date like 2026-01-01",
        r"^[a-z][a-z0-9_]*$": "write a name of small letters, digits and _, beginning with a letter",
        r"^[A-Za-z_]\w*$": "write the name of a Python function",
    }
    return forms.get(
        context["pattern"],
        "write letters, digits, dots, dashes, underscores and spaces, at most 80, the first a letter or digit",
    )


def _needed_length(field: FieldInfo | None, context: Mapping[str, Any]) -> str:
    least, most = context.get("min_length"), context.get("max_length")
    if least is not None:
        return f"give at least {_count(least, 'item')}"
    if most is None:
        return "give fewer"
    fixed = not any(hasattr(item, "max_length") for item in (field.metadata if field else ()))
    return f"give {'exactly' if fixed else 'at most'} {_count(most, 'item')}"


def _count(number: int | None, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _kind_of(value: Any) -> str:
    match value:
        case bool():
            return "true or false"
        case int():
            return "a whole number"
        case float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "an object"


def _nullable(path: KeyPath, field: FieldInfo | None) -> bool:
    """May null stand there? Not for an item of a list."""
    is_item = path != () and isinstance(path[-1], int)
    return field is not None and not is_item and type(None) in typing.get_args(field.annotation)


def _needed_type(detail: Any, nullable: bool) -> str:
    names = {
        "int_type": "a whole number",
        "float_type": "a number",
        "string_type": "a text in double quotes",
        "bool_type": "true or false",
        "model_type": "an object in { }",
        "dict_type": "an object in { }",
        "tuple_type": "a list in [ ]",
    }
    needed = names.get(detail["type"])
    if needed is None:
        return str(detail["msg"]).replace("Input should", "it should")
    return f"write {needed}" + (" or null" if nullable else "")

"""JSON schemas of the recipe and of everything in a run directory, made from the pydantic models.

`python -m srft.schema` prints them as one JSON object; `npm run generate` writes them to `schema/` and goes on.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from srft import config, wire

DIALECT = "https://json-schema.org/draft/2020-12/schema"

WIRE_DOCUMENTS: dict[str, Any] = {
    "RunManifest": wire.RunManifest,
    "Status": wire.Status,
    "RunEvent": wire.RunEvent,
    "SegmentHeader": wire.SegmentHeader,
    "IndexLine": wire.IndexLine,
    "Live": wire.Live,
    "ControlRequest": wire.ControlRequest,
}
"""What a run directory holds as JSON, by the name of its definition."""

Schema = dict[str, Any]


def schemas() -> dict[str, Schema]:
    """The schemas by name: `recipe` as a person may write it, `wire` as the trainer writes it, every key present."""
    return {
        "recipe": _recipe_schema(),
        "wire": _wire_schema(),
    }


def _recipe_schema() -> Schema:
    definitions = _definitions({"Recipe": config.Recipe}, "validation")
    return {"$schema": DIALECT, **definitions.pop("Recipe"), "$defs": definitions}


def _wire_schema() -> Schema:
    return {
        "$schema": DIALECT,
        "title": "Wire",
        "description": f"Any JSON document of a run directory, format {wire.FORMAT_VERSION}; docs/run-directory.md "
        "says which file holds which. Readers accept further keys and further kinds of events.",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in WIRE_DOCUMENTS],
        "$defs": _definitions(WIRE_DOCUMENTS, "serialization"),
    }


def _definitions(models: dict[str, Any], mode: Literal["validation", "serialization"]) -> dict[str, Schema]:
    """All definitions that the named types need, the named ones among them, sorted by name."""
    inputs = [(name, mode, TypeAdapter(model)) for name, model in models.items()]
    named, schema = TypeAdapter.json_schemas(inputs, schema_generator=_Untitled)
    definitions: dict[str, Schema] = schema.get("$defs", {})
    for name in models:
        definitions.setdefault(name, named[name, mode])
    _plain_unions(definitions, definitions)
    return dict(sorted(definitions.items()))


class _Untitled(GenerateJsonSchema):
    """Without a title on every field: json-schema-to-typescript would make an alias of each."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _plain_unions(node: Any, definitions: dict[str, Schema]) -> None:
    """Turns each `discriminator` (OpenAPI's, which ajv refuses) into a required tag in the members of the union."""
    if isinstance(node, list):
        for item in node:
            _plain_unions(item, definitions)
    elif isinstance(node, dict):
        tag = node.pop("discriminator", None)
        if tag is not None:
            for reference in tag["mapping"].values():
                member = definitions[reference.removeprefix("#/$defs/")]
                required = member.setdefault("required", [])
                if tag["propertyName"] not in required:
                    required.append(tag["propertyName"])
        for value in node.values():
            _plain_unions(value, definitions)


if __name__ == "__main__":
    json.dump(schemas(), sys.stdout, indent=2, allow_nan=False)

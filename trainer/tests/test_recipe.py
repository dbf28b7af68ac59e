"""Recipes: what is read, and the sentence for everything that is not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srft.errors import InputError
from srft.jsonc import JsoncError, parse_jsonc
from srft.recipe import RecipeError, load_recipe
from tests.error_table import record
from tests.recipe_refusals import GOOD, REFUSALS

FILE = "recipe.srft.json"


def write(folder, content: str | bytes):
    path = folder / FILE
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        '{"model": {"path": "model"}, /* so */ "data": {"path": "data.jsonl"}}',
        '{"$schema": "./schema.json", "model": {"path": "model",}, "data": {"path": "data.jsonl"}}//',
    ],
    ids=["comments and a trailing comma", "CRLF", "BOM", "block comment", "$schema"],
)
def test_reads(text, tmp_path):
    loaded = load_recipe(write(tmp_path, text))
    assert (loaded.recipe.model.path, loaded.recipe.data.path, loaded.base_dir) == ("model", "data.jsonl", tmp_path)
    assert len(loaded.text_hash) == 64


@pytest.mark.parametrize(
    ("override", "reach", "value"),
    [
        (("training.steps", "5"), lambda recipe: recipe.training.steps, 5),
        (("model.path", "other/folder"), lambda recipe: recipe.model.path, "other/folder"),
        (("optimiser.learning_rate", "3e-4"), lambda recipe: recipe.optimiser.learning_rate, 3e-4),
        (("model.lora.rank", "4"), lambda recipe: recipe.model.lora.rank, 4),
        (("method", '{"kind": "sft"}'), lambda recipe: recipe.method.kind, "sft"),
        (("reward.parts", '[{"kind": "math"}]'), lambda recipe: recipe.reward.parts[0].kind, "math"),
        (("optimiser.clip", "null"), lambda recipe: recipe.optimiser.clip, None),
    ],
)
def test_overrides(override, reach, value, tmp_path):
    assert reach(load_recipe(write(tmp_path, GOOD), [override]).recipe) == value


def test_overrides_reach_into_lists(tmp_path):
    text = (
        '{"model": {"path": "m"}, "data": {"path": "d"}, "reward": {"parts": [{"kind": "exact"}, {"kind": "steps"}]}}'
    )
    recipe = load_recipe(write(tmp_path, text), [("reward.parts.1.weight", "0.5")]).recipe
    assert [part.weight for part in recipe.reward.parts] == [1.0, 0.5]


# ---------------------------------------------------------------- the parser against json


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(JSON_VALUES, st.sampled_from([None, 1, 4]), st.booleans())
def test_parser_agrees_with_json(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert parse_jsonc(text).value == value


@given(st.text(alphabet='{}[]",:/*\\\n 1truefalsenull.-e', max_size=40))
def test_parser_takes_no_less_and_little_more_than_json(text):
    """What json takes we take alike, duplicate keys apart; the rest ends in an error with a line of the text."""
    try:
        expected = json.loads(text, object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError):
        try:
            parse_jsonc(text)
        except JsoncError as error:
            assert 1 <= error.line <= text.count("\n") + 1
    else:
        assert parse_jsonc(text).value == expected


def _no_duplicates(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("duplicate")
    return dict(pairs)


def test_lines_of_keys():
    located = parse_jsonc('{\n"a": [1,\n {"b": 2}], // c\n\n"d":\n3}')
    assert located.lines == {(): 1, ("a",): 2, ("a", 0): 2, ("a", 1): 3, ("a", 1, "b"): 3, ("d",): 5}


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.name)
def test_refuses(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        load_recipe(write(tmp_path, case.content), case.overrides)
    assert str(caught.value) == case.sentence
    record("recipe", case.given, str(caught.value))


def test_refuses_a_missing_file_and_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    sentences = {
        "absent.json": "absent.json: there is no such file; correct the path of the recipe.",
        "folder": "folder: this is a folder, not a recipe; name the .srft.json file in it.",
    }
    for name, sentence in sentences.items():
        with pytest.raises(InputError) as caught:
            load_recipe(name)
        assert str(caught.value) == sentence
        record("recipe", "a missing file" if name == "absent.json" else "a folder", sentence)


def test_names_every_fault(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = """{"model": {"path": ""},
        "data": {"path": "d", "limit": 0},
        "reward": {"parts": [{"kind": "exact", "weigh": 1}]}}"""
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(tmp_path, text), [("seed", "-1")])
    assert [(fault.where, fault.remedy) for fault in caught.value.faults] == [
        ("--set seed=-1", "give a number of at least 0 and below 2^53"),
        ("recipe.srft.json:1", "write a text that is not empty"),
        ("recipe.srft.json:2", "give a number of at least 1"),
        ("recipe.srft.json:3", "write `weight`, the nearest known key"),
    ]
    assert str(caught.value).count("\n") == 3

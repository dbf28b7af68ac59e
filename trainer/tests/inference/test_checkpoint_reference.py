"""The reference checkpoints are what their script makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tests.inference.checkpoint_reference import DEMO_FILE, FOLDER, VARIANTS, demo_reference, write

LISTS = ("logprob", "entropy", "top_logprobs")


# Peft looks for the base by its name, which is a folder's here.
@pytest.mark.filterwarnings("ignore:Unable to fetch remote file", "ignore:Could not find a config file")
@pytest.mark.parametrize("name", VARIANTS)
def test_reference_checkpoints_are_up_to_date(name: str, tmp_path: Path) -> None:
    write(tmp_path, VARIANTS[name])
    kept = FOLDER / name
    files = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(kept) for path in kept.rglob("*") if path.is_file())
    for file in files:
        if file.suffix == ".safetensors":
            made, there = load_file(tmp_path / file), load_file(kept / file)
            assert made.keys() == there.keys()
            assert all(made[key].equal(there[key]) for key in made)
        elif file.name == "reference.json":
            assert_near(json.loads((tmp_path / file).read_text()), json.loads((kept / file).read_text()))
        else:
            assert json.loads((tmp_path / file).read_text()) == json.loads((kept / file).read_text())


def test_reference_of_the_demo_is_up_to_date() -> None:
    assert_near(demo_reference(), json.loads(DEMO_FILE.read_text(encoding="utf-8")))


def assert_near(made: dict[str, Any], there: dict[str, Any]) -> None:
    for key in made.keys() - set(LISTS):
        assert made[key] == there[key]
    for key in LISTS:
        for one, other in zip(made[key], there[key], strict=True):
            assert one == pytest.approx(other, abs=1e-5)

"""The reference of configurations that the TypeScript tests read is what transformers says today."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.engine.model_configs import ADAPTERS, CASES, FILE, adapter_reference, floats, reference

WRITTEN = json.loads(FILE.read_text("utf-8"))
REFERENCES = WRITTEN["cases"]
ONE_BIT = 2.0**-22
"""Relative: another machine's `pow` may round the last bit otherwise."""


def test_every_case_is_in_the_file() -> None:
    assert list(REFERENCES) == list(CASES)
    assert list(WRITTEN["adapters"]) == list(ADAPTERS)


@pytest.mark.parametrize("name", ADAPTERS)
def test_the_adapters_are_not_stale(name: str) -> None:
    expected, now = WRITTEN["adapters"][name], adapter_reference(ADAPTERS[name])
    without_release = [{**case["config"], "peft_version": ""} for case in (expected, now)]
    assert without_release[0] == without_release[1]
    assert [expected["shapes"], expected["scales"]] == [now["shapes"], now["scales"]]


@pytest.mark.parametrize("name", CASES)
def test_the_file_is_not_stale(name: str) -> None:
    expected, now = REFERENCES[name], reference(CASES[name])
    without_release = [{**case["config"], "transformers_version": ""} for case in (expected, now)]
    assert without_release[0] == without_release[1]
    assert expected["facts"] == now["facts"]
    for old, new in zip(expected["rotary"], now["rotary"], strict=True):
        assert old["length"] == new["length"]
        np.testing.assert_allclose(floats(old["frequencies"]), floats(new["frequencies"]), rtol=ONE_BIT)

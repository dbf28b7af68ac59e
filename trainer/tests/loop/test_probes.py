"""Probes: recorded like everything else, the same draw each time, and nothing else of the run knows of them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from srft import session as session_module
from srft.check import _evaluation_answers
from srft.errors import InputError
from srft.preparation import prepared
from srft.recipe import load_recipe
from srft.run_directory import RunDirectory
from srft.run_directory.fold import comparable_run, fold_run
from srft.run_directory.frames import RecordKind
from srft.run_directory.reader import read_record
from tests.error_table import record
from tests.loop.runs import events, train_here, weights

RUN = Path("run")
PROBES: dict[str, Any] = {
    "ids": ["8", "1"],
    "samples": 2,
    "sampling": {"temperature": 0.9, "max_tokens": 8},
}
pytestmark = pytest.mark.usefixtures("in_recipe_folder")


def probe_rows(run_dir: Path) -> dict[int, list[dict]]:
    """The rows of the probes by the step of their evaluation."""
    return {
        event["step"]: [row for row in event["rows"] if row["kind"] == "probe"]
        for event in fold_run(run_dir)["evaluations"]
    }


def answers(run_dir: Path, rows: list[dict]) -> list[tuple]:
    """What was answered, without the step."""
    found = []
    for row in rows:
        values = read_record(run_dir, row["address"]).values
        columns = {name: values[name].tobytes() for name in sorted(values)}
        found.append((row["prompt_id"], row["index"], row["stop"], row["reward"], row["parts"], columns))
    return found


def test_a_run_with_probes_is_the_run_without_them(recipe):
    train_here(recipe, Path("without"))
    train_here(recipe, Path("with"), probes=PROBES)
    without, with_probes = comparable_run(Path("without")), comparable_run(Path("with"))
    for event in with_probes["evaluations"]:
        event["rows"] = [row for row in event["rows"] if row["kind"] != "probe"]
    assert with_probes == without
    mine, other = weights(Path("with"), 6), weights(Path("without"), 6)
    assert all(torch.equal(mine[name], other[name]) for name in mine)


def test_probes_are_recorded_at_each_evaluation(recipe):
    train_here(recipe, RUN, probes=PROBES)
    rows = probe_rows(RUN)
    assert list(rows) == [0, 3, 6]
    for step, own in rows.items():
        places = [(group, index) for group in (0, 1) for index in (0, 1)]
        assert [row["id"] for row in own] == [f"a1-p{step}-g{group}-{index}" for group, index in places]
        assert [row["prompt_id"] for row in own] == ["8", "8", "1", "1"]
        for row in own:
            assert (row["step"], row["temperature"], row["policy_version"]) == (step, 0.9, step)
            assert (row["advantage"], row["weights"]) == (None, {})
            assert row["parts"].keys() == {"regex"}
            assert row["reward"] == row["correct"]
            answer, asked = read_record(RUN, row["address"]), read_record(RUN, row["prompt"])
            assert (answer.kind, asked.kind) == (RecordKind.PROBE, RecordKind.PROMPT)
            assert answer.values.keys() == {"id", "byte_length", "logprob", "entropy"}
            assert answer.tokens == row["tokens"] <= 8
            assert np.isfinite(answer.values["logprob"]).all()
            assert np.isfinite(answer.values["entropy"]).all()
    for event in events(RUN, "evaluation"):
        assert event["greedy"]["accuracy"]["count"] == 6, "probes count in no accuracy"
    assert {row["kind"] for step in fold_run(RUN)["steps"].values() for row in step["rows"]} == {
        "rollout",
        "demonstration",
    }


def test_a_policy_that_stays_the_same_answers_the_same(recipe):
    # Far below what a float32 can add to a weight.
    train_here(recipe, Path("still"), probes=PROBES, optimiser__learning_rate=1e-30)
    first, *later = [answers(Path("still"), own) for own in probe_rows(Path("still")).values()]
    assert later == [first, first]
    assert first[0] != first[1], "two samples of a problem differ"

    train_here(recipe, Path("learning"), probes=PROBES)
    learning = [answers(Path("learning"), own) for own in probe_rows(Path("learning")).values()]
    assert learning[0] == first
    assert learning[1] != first


def test_the_first_problems_are_asked_where_none_are_named(recipe):
    train_here(recipe, RUN, probes={"first": 2, "sampling": {"max_tokens": 4, "temperature": 0}}, training__steps=1)
    for own in probe_rows(RUN).values():
        assert [(row["prompt_id"], row["temperature"]) for row in own] == [("1", 0), ("2", 0)]


def test_probes_are_time_of_the_evaluation(recipe, monkeypatch):
    ask, phases = session_module.ask_probes, []
    live = RunDirectory.live

    def slow(*arguments: Any, **keys: Any) -> Any:
        phases.append("probes")
        time.sleep(0.5)
        groups = ask(*arguments, **keys)
        phases.append("done")
        return groups

    def watched(run: RunDirectory, **keys: Any) -> None:
        phases.append(keys["phase"])
        live(run, **keys)

    monkeypatch.setattr(session_module, "ask_probes", slow)
    monkeypatch.setattr(RunDirectory, "live", watched)
    train_here(recipe, RUN, probes=PROBES, training__steps=1)
    (step,) = events(RUN, "step")
    assert step["metrics"]["seconds/evaluate"] >= 0.5
    while "probes" in phases:
        begin, end = phases.index("probes"), phases.index("done")
        assert set(phases[begin + 1 : end]) == {"evaluate"}
        phases = phases[end + 1 :]


@pytest.mark.parametrize("steps", [6, 7])
def test_the_check_counts_what_a_run_records(recipe, steps):
    train_here(recipe, RUN, probes=PROBES, training__steps=steps)
    recorded = sum(len(event["rows"]) for event in fold_run(RUN)["evaluations"])
    keys = [("probes", '{"ids": ["8", "1"], "samples": 2, "sampling": {"max_tokens": 8}}')]
    with prepared(load_recipe(recipe, [*keys, ("training.steps", str(steps))]), lambda _: None) as ready:
        passes, each = _evaluation_answers(ready)
    assert passes == len(events(RUN, "evaluation"))
    assert passes * each == recorded


WITH_IDS = {"path": "train.jsonl", "columns": {"id": "id"}}
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a probe that is nearly an id": (
        "data",
        {"probes": {"ids": ["train-0", "tain-7"]}, "data": WITH_IDS},
        "probes.ids names `tain-7`, which is no id in train.jsonl; write `train-7`, the nearest there is.",
    ),
    "a probe that is no id": (
        "data",
        {"probes": {"ids": ["the first one"]}, "data": WITH_IDS},
        "probes.ids names `the first one`, which is no id in train.jsonl; name another, such as `train-0`.",
    ),
    "a probe by its name where the data names no id": (
        "data",
        {"probes": {"ids": ["train-0"]}},
        "probes.ids names `train-0`, which is no id in train.jsonl; name problems by their number, 1 to 24, since "
        "data.columns names no id.",
    ),
    "more probes than problems": (
        "data",
        {"probes": {"first": 25}},
        "probes.first is 25 but train.jsonl has 24; set it to at most 24.",
    ),
    "a context too short for the probes": (
        "model",
        {"probes": {"sampling": {"max_tokens": 500}}},
        "the longest prompt has 23 tokens and probes.sampling.max_tokens allows 500, together more than the model's "
        "context of 128; set probes.sampling.max_tokens to at most 105.",
    ),
}


@pytest.mark.parametrize("given", REFUSED)
def test_probes_that_cannot_be_asked(recipe, given):
    section, keys, says = REFUSED[given]
    with pytest.raises(InputError) as caught:
        train_here(recipe, RUN, **keys)
    assert str(caught.value) == f"toy.srft.json: {says}"
    assert not RUN.exists()
    record(section, given, str(caught.value))

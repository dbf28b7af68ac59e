"""Numbers, groups, rewards and models that go wrong: the run goes on and says so in an event, or is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from srft import updater
from srft.errors import InputError
from srft.run_directory.fold import fold_run
from tests.error_table import record
from tests.loop.runs import end_of, events, train_here, weights
from tests.loop.toy import write_problems

RUN = Path("run")


pytestmark = pytest.mark.usefixtures("in_recipe_folder")


def same_weights(run_dir: Path, one: int, other: int) -> bool:
    mine, theirs = weights(run_dir, one), weights(run_dir, other)
    return all(torch.equal(mine[name], theirs[name]) for name in mine)


POISONS = {
    "NaN in the loss": (lambda batch: batch.logprob_N * math.nan, {"loss/", "gradient/norm"}),
    "infinity in the loss": (lambda batch: batch.logprob_N * math.inf, {"loss/", "gradient/norm"}),
    # x - x is 0, and the slope of the root is infinite there.
    "infinity in the gradient": (lambda batch: (batch.logprob_N - batch.logprob_N.detach()).sqrt(), {"gradient/norm"}),
}


@pytest.mark.parametrize("given", POISONS)
@pytest.mark.parametrize("method", ["srft", "grpo"])
def test_an_update_that_is_not_finite_is_left_out(recipe, monkeypatch, given, method):
    poison, names = POISONS[given]
    apply_update, calls = updater.apply_update, []

    def poisoned(update, **keys):
        calls.append(0)
        if len(calls) == 2:
            update = replace(update, terms=tuple(replace(term, per_token=poison) for term in update.terms))
        return apply_update(update, **keys)

    monkeypatch.setattr(updater, "apply_update", poisoned)
    keys: dict[str, Any] = {
        "training__steps": 3,
        "checkpoint__every": 1,
        "checkpoint__keep_last": 3,
        "optimiser__weight_decay": 0.1,
    }
    train_here(recipe, RUN, method={"kind": method, "rollouts": 3}, evaluation=None, **keys)
    told = [event for event in events(RUN, "non_finite") if "left out" in event["consequence"]]
    assert [event["step"] for event in told] == [2]
    assert {name if name == "gradient/norm" else "loss/" for name in told[0]["names"]} == names
    assert same_weights(RUN, 1, 2)
    assert not same_weights(RUN, 2, 3)
    assert end_of(RUN)["kind"] == "finished"
    metrics = [event["metrics"] for event in events(RUN, "step")]
    assert [step["gradient/norm"] is None for step in metrics] == [False, True, False]
    record("loop", given, f"event `non_finite`: {', '.join(told[0]['names'])}; {told[0]['consequence']}.")


def rewards(pattern: str) -> dict:
    return {"parts": [{"kind": "regex", "pattern": pattern, "match_only": True}], "gate": None}


SITUATIONS: dict[str, tuple[dict[str, Any], dict[str, float]]] = {
    "all right": ({"reward": rewards("(?s)^.*$")}, {"groups/all_right": 1.0, "rollouts/correct": 1.0}),
    "all wrong": ({"reward": rewards("(?!)")}, {"groups/all_wrong": 1.0, "rollouts/correct": 0.0}),
    "nothing but truncations": ({"rollouts__max_tokens": 1}, {"rollouts/truncated": 1.0}),
    "no demonstration": ({"data": {"path": "bare.jsonl"}}, {}),
}
METHODS: dict[str, dict[str, Any]] = {
    "srft": {"kind": "srft", "rollouts": 3},
    "srft released": {"kind": "srft", "rollouts": 3, "preset": "released"},
    "luffy": {"kind": "luffy", "rollouts": 3},
    "grpo": {"kind": "grpo", "rollouts": 3},
    "dapo": {
        "kind": "grpo",
        "rollouts": 3,
        "denominator": "shared",
        "dynamic_sampling": {"max_rounds": 2},
        "mask_truncated": True,
    },
}


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("method", METHODS)
def test_a_step_without_contrast_stays_finite(recipe, situation, method):
    rows = [json.loads(line) for line in Path("train.jsonl").read_text().splitlines()]
    bare = [{key: value for key, value in row.items() if key != "demonstration"} for row in rows]
    Path("bare.jsonl").write_text("".join(json.dumps(row) + "\n" for row in bare))
    keys, figures = SITUATIONS[situation]
    if situation == "nothing but truncations":
        never_ends(Path("base"))
    train_here(recipe, RUN, method=METHODS[method], training__steps=2, evaluation=None, **keys)
    assert end_of(RUN)["kind"] == "finished"
    assert events(RUN, "non_finite") == []
    for event in events(RUN, "step"):
        assert None not in event["metrics"].values()
        if method != "dapo":
            assert {name: event["metrics"][name] for name in figures} == figures
    notices = {event["name"]: event["message"] for event in events(RUN, "notice")}
    if method == "dapo" and situation in ("all right", "all wrong"):
        assert notices.keys() == {"no_mixed_groups"}
        record("loop", f"{situation}, with dynamic sampling", f"event `notice`: {notices['no_mixed_groups']}")
    elif method != "dapo":
        assert notices == {}


def never_ends(base: Path) -> None:
    """Let the end token have no chance."""
    for name in ("config.json", "generation_config.json"):
        value = json.loads((base / name).read_text())
        (base / name).write_text(json.dumps(value | {"eos_token_id": 0}))
    tokenizer = json.loads((base / "tokenizer_config.json").read_text())
    (base / "tokenizer_config.json").write_text(json.dumps(tokenizer | {"eos_token": "<pad>"}))


def test_a_method_that_needs_demonstrations_has_none(recipe):
    rows = [json.loads(line) for line in Path("train.jsonl").read_text().splitlines()]
    bare = [{key: value for key, value in row.items() if key != "demonstration"} for row in rows]
    Path("bare.jsonl").write_text("".join(json.dumps(row) + "\n" for row in bare))
    with pytest.raises(InputError, match="demonstration") as caught:
        train_here(recipe, RUN, method={"kind": "sft"}, data={"path": "bare.jsonl"})
    assert not RUN.exists()
    record("loop", "sft without any demonstration", str(caught.value))


def test_a_gradient_above_skip_above_is_left_out(recipe):
    keys: dict[str, Any] = {"training__steps": 2, "checkpoint__every": 1, "evaluation": None}
    train_here(recipe, RUN, optimiser__skip_above=1e-6, **keys)
    notices = events(RUN, "notice")
    assert [(event["step"], event["name"]) for event in notices] == [(1, "update_skipped"), (2, "update_skipped")]
    assert same_weights(RUN, 1, 2)
    norm = f"{events(RUN, 'step')[0]['metrics']['gradient/norm']:.4g}"
    assert notices[0]["message"].startswith(f"The gradient norm {norm} is above optimiser.skip_above (1e-06)")
    record("loop", "a gradient above skip_above", f"event `notice`: {notices[0]['message'].replace(norm, '12.3')}")


def test_a_collapse_ends_the_run(recipe):
    train_here(recipe, RUN, stop_on_collapse={"entropy_below": 100.0, "steps": 2}, evaluation=None)
    assert [event["step"] for event in events(RUN, "step")] == [1, 2]
    assert [event["step"] for event in events(RUN, "checkpoint")] == [2]
    assert end_of(RUN)["kind"] == "stopped_on_collapse"
    record("loop", "the entropy collapses", f"the run ends as `stopped_on_collapse`: {end_of(RUN)['message']}.")


REWARD = """
import time


def score(prompt, response, answer, row):
    total = int(answer)
    if total % 4 == 0:
        raise ValueError("no such sum")
    if total % 4 == 1:
        return float("nan")
    if total % 4 == 2:
        return None
    if total == 3:
        time.sleep(60)
    return {"right": 1.0, "length": len(response)}
"""


def test_a_reward_that_raises_hangs_or_returns_nonsense(recipe):
    Path("reward.py").write_text(REWARD)
    with Path("train.jsonl").open("w") as file:
        for number, answer in enumerate([3, 4, 5, 6, 7, 11]):
            row = {"name": f"p-{number}", "prompt": f"0+{answer}?", "answer": str(answer)}
            file.write(json.dumps(row) + "\n")
    reward = {"parts": [{"kind": "python", "path": "reward.py", "timeout_seconds": 0.2}], "gate": None}
    train_here(
        recipe,
        RUN,
        reward=reward,
        data={"path": "train.jsonl", "columns": {"id": "name"}},
        method={"kind": "grpo", "rollouts": 2},
        training__steps=1,
        training__prompts_per_step=6,
        evaluation=None,
    )
    assert end_of(RUN)["kind"] == "finished"
    step = fold_run(RUN)["steps"][1]
    notes: dict[str, list[str | None]] = {}
    for row in step["rows"]:
        notes.setdefault(row["prompt_id"], []).append(row["note"])
    assert notes.keys() == {f"p-{number}" for number in range(6)}
    assert notes["p-0"] == ["timeout"] * 2
    assert all(note is not None and "no such sum" in note for note in notes["p-1"])
    assert all(note is not None and note.startswith("error: ") for name in ("p-2", "p-3") for note in notes[name])
    assert notes["p-4"] == notes["p-5"] == [None, None]
    assert step["metrics"]["rollouts/unjudged"] == pytest.approx(8 / 12)
    assert step["metrics"]["rollouts/correct"] == pytest.approx(4 / 12)
    assert step["metrics"]["reward/python.length"] > 0
    for given, name in (("hangs", "p-0"), ("raises", "p-1"), ("returns NaN", "p-2"), ("returns nothing", "p-3")):
        record("loop", f"a reward that {given}", f"the rollout counts 0 and is noted: {notes[name][0]}.")


MODELS: dict[str, tuple[Callable[[], Any], dict[str, Any], str]] = {
    "a tokenizer without chat template": (
        lambda: Path("base/chat_template.jinja").unlink(),
        {},
        "prompt.chat_template",
    ),
    "a chat template that does not compile": (
        lambda: Path("base/chat_template.jinja").write_text("{% for m in %}"),
        {},
        "correct it",
    ),
    "a context too short for the responses": (
        lambda: None,
        {"rollouts__max_tokens": 500},
        "rollouts.max_tokens to at most",
    ),
    "a context too short for the prompts": (lambda: context(8), {}, "longer context"),
    "a context too short for a demonstration": (
        lambda: context(28),
        {"training__max_response_tokens": 500, "rollouts__max_tokens": 2, "evaluation": None},
        "training.max_response_tokens to at most",
    ),
}


def context(tokens: int) -> None:
    config = json.loads(Path("base/config.json").read_text())
    Path("base/config.json").write_text(json.dumps(config | {"max_position_embeddings": tokens}))
    write_problems(Path("train.jsonl"), 4, seed=0)


@pytest.mark.parametrize("lora", [None, {"rank": 2}], ids=["full", "lora"])
def test_a_run_names_no_path_of_the_machine(recipe, lora):
    train_here(recipe, RUN, training__steps=1, model__lora=lora)
    here = str(Path.cwd()).encode()
    files = [path for path in RUN.rglob("*") if path.is_file()]
    assert [path for path in files if here in path.read_bytes()] == []
    assert {path.parent.name for path in files} >= {"run", "rollouts", "step-000001", "trainer_state"}


@pytest.mark.parametrize("given", MODELS)
def test_a_model_that_does_not_fit_the_problems(recipe, given):
    spoil, keys, remedy = MODELS[given]
    spoil()
    with pytest.raises(InputError) as caught:
        train_here(recipe, RUN, **keys)
    assert remedy in str(caught.value)
    assert not RUN.exists()
    record("model", given, str(caught.value))

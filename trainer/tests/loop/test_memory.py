"""Memory that runs out: once it costs time, twice it ends a run that can be resumed with less."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from srft import updater
from srft.controls import Controls
from srft.errors import InputError
from srft.run_directory.fold import fold_run
from tests.error_table import record
from tests.loop.runs import end_of, events, resume_here, train_here, weights

RUN = Path("run")


pytestmark = pytest.mark.usefixtures("in_recipe_folder")


ERRORS = {
    "GPU memory runs out": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    "CPU memory runs out": RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 9 bytes"),
}


class Memory:
    """A training pass that runs out of memory in some calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: BaseException, failing: set[int]) -> None:
        self.calls, self.limits = 0, []
        statistics = updater.apply_update.__globals__["statistics"]
        apply_update = updater.apply_update

        def limited(training_pass, rows, temperature, **keys):
            self.calls += 1
            if self.calls in failing:
                raise error
            return statistics(training_pass, rows, temperature, **keys)

        def watched(update, **keys):
            self.limits.append(keys["settings"].micro_batch_tokens)
            return apply_update(update, **keys)

        monkeypatch.setitem(updater.apply_update.__globals__, "statistics", limited)
        monkeypatch.setattr(updater, "apply_update", watched)


SIZES: dict[str, Any] = {"training__steps": 3, "training__micro_batch_tokens": 100, "evaluation": None}


@pytest.mark.parametrize("given", ERRORS)
def test_memory_that_runs_out_once_halves_the_micro_batch(recipe, monkeypatch, given):
    train_here(recipe, Path("whole"), **SIZES)
    # The second pass of the first update: gradients of the first are gathered already.
    memory = Memory(monkeypatch, ERRORS[given], {2})
    train_here(recipe, RUN, **SIZES)
    assert memory.limits == [100, 50, 50, 50]
    notices = events(RUN, "notice")
    assert [(event["step"], event["name"]) for event in notices] == [(1, "micro_batch_halved")]
    mine, other = weights(RUN, 3), weights(Path("whole"), 3)
    for name in mine:
        torch.testing.assert_close(mine[name], other[name], rtol=1e-4, atol=1e-5)
    record("loop", f"{given} once", f"event `notice`: {notices[0]['message']}")


@pytest.mark.parametrize("given", ERRORS)
@pytest.mark.parametrize("failing", [{5, 6}, {5, 12}], ids=["at once", "later"])
def test_memory_that_runs_out_twice_ends_a_run_that_can_be_resumed(recipe, monkeypatch, given, failing):
    keys: dict[str, Any] = {**SIZES, "checkpoint__every": 1, "training__steps": 4}
    train_here(recipe, Path("whole"), **keys)
    with monkeypatch.context() as patched:
        Memory(patched, ERRORS[given], failing)
        with pytest.raises(InputError) as caught:
            train_here(recipe, RUN, **keys)
    sentence = str(caught.value)
    assert "memory ran out with training.micro_batch_tokens at 50" in sentence
    assert "--resume" in sentence
    assert end_of(RUN)["kind"] == "failed"
    assert sentence in end_of(RUN)["message"]
    done = events(RUN, "checkpoint")[-1]["step"]
    assert sentence.startswith(f"step {done + 1}: ")

    with monkeypatch.context() as patched:
        memory = Memory(patched, ERRORS[given], set())
        resume_here(RUN, ("training.micro_batch_tokens", "12"), ("model.threads", "1"))
    assert set(memory.limits) == {12}
    assert events(RUN, "resumed")[0]["from_step"] == done
    assert [event["name"] for event in events(RUN, "notice")][-1] == "memory_settings"
    assert end_of(RUN)["kind"] == "finished"
    assert list(fold_run(RUN)["steps"]) == [1, 2, 3, 4]
    mine, other = weights(RUN, 4), weights(Path("whole"), 4)
    for name in mine:
        torch.testing.assert_close(mine[name], other[name], rtol=1e-3, atol=1e-4)
    record("loop", f"{given} twice", sentence)


def test_a_halved_micro_batch_stays_halved_after_a_resume(recipe, monkeypatch):
    keys: dict[str, Any] = {**SIZES, "checkpoint__every": 1}
    with monkeypatch.context() as patched:
        Memory(patched, ERRORS["GPU memory runs out"], {1})
        with pytest.raises(KeyboardInterrupt):
            interrupt(patched, after=2)
            train_here(recipe, RUN, **keys)
    memory = Memory(monkeypatch, ERRORS["GPU memory runs out"], set())
    resume_here(RUN)
    assert memory.limits == [50]


def interrupt(monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """End a run at once after some step and what belongs to it."""
    obey = Controls.obey

    def interrupted(controls, session):
        if session.step == after:
            raise KeyboardInterrupt
        return obey(controls, session)

    monkeypatch.setattr(Controls, "obey", interrupted)


def test_memory_that_runs_out_while_sampling(recipe, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise ERRORS["CPU memory runs out"]

    monkeypatch.setattr("srft.collect.Collector.sample", full)
    with pytest.raises(InputError, match=r"rollouts.batch_tokens=16384") as caught:
        train_here(recipe, RUN)
    assert end_of(RUN)["kind"] == "failed"
    record("loop", "memory runs out while sampling", str(caught.value))


REFUSED = {
    "a key that changes results": ("optimiser.learning_rate", "1", "use --fork to change it"),
    "a value that is no number": ("training.micro_batch_tokens", "many", "write a whole number"),
    "a value out of range": ("rollouts.batch_tokens", "0", "give a number of at least 1"),
}


@pytest.mark.parametrize("given", REFUSED)
def test_what_a_resumed_run_may_not_change(recipe, given):
    train_here(recipe, RUN, training__steps=1, evaluation=None)
    before = (RUN / "events.jsonl").read_bytes()
    key, value, remedy = REFUSED[given]
    with pytest.raises(InputError) as caught:
        resume_here(RUN, (key, value))
    assert str(caught.value).startswith(f"--set {key}={value}: ")
    assert remedy in str(caught.value)
    assert (RUN / "events.jsonl").read_bytes() == before
    record("command line", f"--resume with {given}", str(caught.value))

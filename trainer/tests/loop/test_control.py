"""Requests and signals: stop, pause, continue, checkpoint; two at once, malformed, left over."""

from __future__ import annotations

import json
import signal
import time
import uuid

import pytest

from tests.loop.runs import events, wait_for

ENDLESS = ("--set", "training.steps=100000", "--set", "evaluation=null", "--set", "checkpoint.every=100000")


def ask(run_dir, kind, **arguments):
    """Put a request where the trainer looks, whole at once."""
    name = f"{uuid.uuid4()}"
    request = {"kind": kind, "created": time.time(), "by": "a test", "arguments": arguments}
    aside = run_dir / "control" / f".{name}"
    aside.write_text(json.dumps(request))
    aside.rename(run_dir / "control" / f"{name}.json")
    return name


def answers(run_dir):
    return {event["request"]: (event["asked"], event["outcome"]) for event in events(run_dir, "control")}


@pytest.fixture
def endless(trainers, recipe, tmp_path):
    """A run that goes on until somebody stops it."""
    process = trainers.start("train", recipe, "--run-dir", tmp_path / "run", *ENDLESS)
    wait_for(lambda: len(events(tmp_path / "run", "step")) >= 1 or process.poll() is not None)
    assert process.poll() is None, process.said()
    yield process, tmp_path / "run"
    process.send(signal.SIGKILL)


def test_stop_with_a_checkpoint(endless):
    process, run_dir = endless
    name = ask(run_dir, "stop", checkpoint=True)
    assert process.wait() == 0, process.said()
    assert answers(run_dir)[name] == ("stop", "done")
    last_step = events(run_dir, "step")[-1]["step"]
    assert [event["step"] for event in events(run_dir, "checkpoint")] == [last_step]
    assert events(run_dir)[-1]["end"]["kind"] == "stopped"


def test_pause_checkpoint_continue_and_stop(endless):
    process, run_dir = endless
    pause = ask(run_dir, "pause")
    wait_for(lambda: pause in answers(run_dir))
    steps = len(events(run_dir, "step"))
    again, checkpoint = ask(run_dir, "pause"), ask(run_dir, "checkpoint")
    wait_for(lambda: checkpoint in answers(run_dir) and again in answers(run_dir))
    assert answers(run_dir)[again] == ("pause", "refused")
    wait_for(lambda: json.loads((run_dir / "status.json").read_bytes())["state"] == "paused")
    assert len(events(run_dir, "step")) == steps
    assert len(events(run_dir, "checkpoint")) == 1
    ask(run_dir, "continue")
    wait_for(lambda: len(events(run_dir, "step")) > steps)
    useless = ask(run_dir, "continue")
    wait_for(lambda: useless in answers(run_dir))
    assert answers(run_dir)[useless] == ("continue", "refused")
    ask(run_dir, "stop")
    assert process.wait() == 0, process.said()


def test_a_malformed_request_is_refused_and_the_run_goes_on(endless):
    process, run_dir = endless
    (run_dir / "control" / "broken.json").write_bytes(b"\xff{")
    wait_for(lambda: answers(run_dir).get("broken", ("", ""))[1] == "refused")
    assert process.poll() is None
    assert (run_dir / "control" / "done" / "broken.json").is_file()


def test_requests_of_a_dead_trainer_are_discarded(endless, trainers):
    process, run_dir = endless
    process.send(signal.SIGKILL)
    process.wait()
    left = ask(run_dir, "stop")
    resumed = trainers.start("train", "--resume", "--run-dir", run_dir)
    wait_for(lambda: left in answers(run_dir) or resumed.poll() is not None)
    assert answers(run_dir)[left] == ("stop", "discarded")
    steps = len(events(run_dir, "step"))
    wait_for(lambda: len(events(run_dir, "step")) > steps)
    resumed.send(signal.SIGTERM)
    assert resumed.wait() == 0, resumed.said()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_with_a_checkpoint(endless, number):
    process, run_dir = endless
    process.send(number)
    assert process.wait() == 0, process.said()
    assert events(run_dir)[-1]["end"] == {"kind": "stopped", "message": f"stopped by {number.name}"}
    assert len(events(run_dir, "checkpoint")) == 1


def test_a_second_signal_ends_at_once(endless):
    process, run_dir = endless
    pause = ask(run_dir, "pause")
    wait_for(lambda: pause in answers(run_dir))
    process.send(signal.SIGSTOP)
    process.send(signal.SIGINT)
    process.send(signal.SIGTERM)
    process.send(signal.SIGCONT)
    assert process.wait() != 0
    assert events(run_dir, "ended") == []

"""SIGKILL at random moments: nothing acknowledged is lost, and resuming goes on without a gap."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from srft.errors import InputError
from srft.run_directory.fold import fold_run
from srft.run_directory.reader import iterate_events
from tests.run_directory.examples import create, resume, write_step
from tests.run_directory.killed_writer import write_until_killed
from tests.run_directory.test_write_order import check_rows_readable

HAS_FORKSERVER = "forkserver" in multiprocessing.get_all_start_methods()
CONTEXT = multiprocessing.get_context("forkserver") if HAS_FORKSERVER else multiprocessing.get_context("spawn")
MEAN_DELAY_S = 0.005


@pytest.fixture(autouse=True)
def _quick_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    CONTEXT.set_forkserver_preload(["tests.run_directory.killed_writer"])


def start(root: Path) -> tuple[BaseProcess, Connection]:
    heard, said = CONTEXT.Pipe(duplex=False)
    child = CONTEXT.Process(target=write_until_killed, args=(root, said), daemon=True)
    child.start()
    said.close()
    return child, heard


def everything_said(heard: Connection) -> Iterator[tuple[int, int]]:
    try:
        while True:
            yield heard.recv()
    except EOFError:
        return


def acknowledged_steps(root: Path) -> set[tuple[int, int]]:
    found = set()
    attempt = 0
    for event in iterate_events(root):  # Raises where `seq` has a gap.
        attempt = event.get("attempt", attempt)
        if event["kind"] == "step":
            found.add((attempt, event["step"]))
    return found


def kill_times(root: Path, count: int, seed: int) -> None:
    chance = random.Random(seed)
    told: set[tuple[int, int]] = set()
    for _ in range(count):
        child, heard = start(root)
        told.update(heard.recv() for _ in range(chance.randint(0, 4)))
        time.sleep(chance.expovariate(1 / MEAN_DELAY_S))
        child.kill()
        child.join()
        told.update(everything_said(heard))
        found = acknowledged_steps(root)
        assert {said for said in told if said[1] > 0} <= found
        assert len(found) <= len(told) + count
    check_rows_readable(root, list(iterate_events(root)))
    assert len(told) > count
    last = max(fold_run(root)["steps"], default=0)
    with resume(root, last) as run:
        write_step(run, last + 1)
    assert list(fold_run(root)["steps"]) == list(range(1, last + 2))


def test_20_kills(tmp_path):
    kill_times(tmp_path / "run", 20, seed=1)


@pytest.mark.long
def test_200_kills(tmp_path):
    kill_times(tmp_path / "run", 200, seed=2)


def test_two_trainers_cannot_write_one_run(tmp_path):
    root = tmp_path / "run"
    child, heard = start(root)
    try:
        assert heard.recv() == (1, 0)
        assert heard.recv() == (1, 1)
        with pytest.raises(InputError, match="another trainer is writing this run"):
            resume(root, 0)
        with pytest.raises(InputError, match="already holds a run"):
            create(root)
        assert len(fold_run(root)["attempts"]) == 1
    finally:
        child.kill()
        child.join()
    with resume(root, 0) as run:
        assert run.attempt == 2
        with pytest.raises(InputError, match="another trainer is writing this run"):
            resume(root, 0)

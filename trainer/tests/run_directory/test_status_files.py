"""`status.json` and `live.json`: always whole, never too often, never in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from srft import wire
from srft.run_directory import status as status_module
from srft.run_directory.files import Files
from srft.run_directory.process import ProcessIdentity
from srft.run_directory.reader import read_status
from tests.run_directory.broken_disks import RecordingFiles
from tests.run_directory.examples import create, write_step


def replaced(files: RecordingFiles, name: str) -> int:
    return sum(call.name == "replace" and call.target == name for call in files.calls)


def test_status_tells_where_the_run_stands(tmp_path):
    with create(tmp_path / "run") as run:
        first = wire.Status.model_validate(read_status(tmp_path / "run"))
        assert (first.state, first.stage, first.step, first.steps, first.end) == ("starting", "starting", 0, 6, None)
        assert (first.host, first.boot_id, first.pid_namespace, first.pid) == ("host", "boot", "pid:[1]", 4242)
        run.state("running")
        run.stage("generate")
        write_step(run, 1)
        run.end(wire.EndReason(kind="finished"))
    last = wire.Status.model_validate(read_status(tmp_path / "run"))
    assert (last.state, last.stage, last.step, last.attempt) == ("ended", "generate", 1, 1)
    assert last.metrics == {"loss/total": 0.25, "reward/mean": 0.5}
    assert last.end == wire.EndReason(kind="finished")
    assert last.heartbeat > first.heartbeat


def test_the_heart_beats_while_nothing_happens(tmp_path, monkeypatch):
    monkeypatch.setattr(status_module, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(status_module, "SHORTEST_INTERVAL_S", 0.01)
    with create(tmp_path / "run"):
        seen = set()
        deadline = time.monotonic() + 5
        while len(seen) < 4 and time.monotonic() < deadline:
            seen.add((read_status(tmp_path / "run") or {})["heartbeat"])
            time.sleep(0.01)
    assert len(seen) == 4


def test_a_heartbeat_is_promised_every_5_s():
    assert status_module.HEARTBEAT_S + status_module.SHORTEST_INTERVAL_S < 5


def test_neither_file_is_replaced_more_than_4_times_a_second(tmp_path):
    files = RecordingFiles(tmp_path / "run")
    with create(tmp_path / "run", files=files) as run:
        begin = time.monotonic()
        calls = 0
        while time.monotonic() < begin + 0.6:
            run.live(step=1, phase="generate", done=calls, total=10**6, text="a" * calls)
            run.stage(f"stage {calls}")
            calls += 1
            time.sleep(0.001)
        passed_s = time.monotonic() - begin
    # One write at the beginning of the time, and one when the run is closed.
    assert 2 <= replaced(files, "live.json") <= passed_s * 4 + 2
    assert 2 <= replaced(files, "status.json") <= passed_s * 4 + 2
    live = wire.Live.model_validate_json((tmp_path / "run" / "live.json").read_bytes())
    assert (live.done, live.text) == (calls - 1, "a" * (calls - 1))


def test_a_reader_always_finds_a_whole_status(tmp_path, monkeypatch):
    monkeypatch.setattr(status_module, "SHORTEST_INTERVAL_S", 0)
    with create(tmp_path / "run") as run:
        for count in range(300):
            run.stage("x" * count)
            wire.Status.model_validate(json.loads(run.layout.status.read_bytes()))


class HangingFiles(Files):
    """A disk on which replacing a file hangs until it is let go."""

    def __init__(self) -> None:
        self.hangs = False
        self.let_go = threading.Event()
        self.waited_in: set[str] = set()

    def replace(self, source, target):
        if self.hangs:
            self.waited_in.add(threading.current_thread().name)
            self.let_go.wait(10)
        super().replace(source, target)


def test_training_does_not_wait_for_a_status_that_hangs(tmp_path):
    files = HangingFiles()
    with create(tmp_path / "run", files=files) as run:
        files.hangs = True
        deadline = time.monotonic() + 5
        step = 0
        while not files.waited_in and time.monotonic() < deadline:
            step += 1
            write_step(run, step)
            run.live(step=step, phase="train", done=1, total=2)
        write_step(run, step + 1)
        assert files.waited_in == {"srft status"}
        assert not files.let_go.is_set()
        files.let_go.set()
    assert (read_status(tmp_path / "run") or {})["step"] == step + 1


def test_the_identity_is_of_this_process():
    here = ProcessIdentity.here()
    assert here.pid == os.getpid()
    namespace = Path("/proc/self/ns/pid")
    assert here.pid_namespace == (str(namespace.readlink()) if sys.platform == "linux" else None)
    assert (here.boot_id is None) == (sys.platform == "win32")
    command = "import time; from srft.run_directory.process import ProcessIdentity as P; print(P.here().pid_started)"
    before = time.time()
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    # `btime` counts whole seconds.
    assert before - 2 < float(done.stdout) < time.time() + 2

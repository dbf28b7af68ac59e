"""What *acknowledged* means, shown on a disk that records every call and on one that ends at every one of them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from srft.run_directory.fold import fold_run
from srft.run_directory.reader import iterate_events, iterate_index, read_record
from tests.run_directory.broken_disks import Call, RecordingFiles, SimulatedDisk
from tests.run_directory.examples import create, prompt, resume, row, write_step

SEGMENT, INDEX, EVENTS = "rollouts/000001.seg", "rollouts/index.jsonl", "events.jsonl"


def test_a_step_syncs_each_file_once_segment_before_index_before_event(tmp_path):
    files = RecordingFiles(tmp_path / "run")
    with create(tmp_path / "run", files=files) as run:
        write_step(run, 1)
        before = len(files.records())
        write_step(run, 2, groups=20)
        calls = [(call.name, call.path) for call in files.records()[before:]]
    assert calls == [
        ("write", SEGMENT),
        ("sync", SEGMENT),
        ("write", INDEX),
        ("sync", INDEX),
        ("write", EVENTS),
        ("sync", EVENTS),
    ]


def test_a_flush_before_the_step_leaves_only_the_event(tmp_path):
    files = RecordingFiles(tmp_path / "run")
    with create(tmp_path / "run", files=files) as run:
        write_step(run, 1)
        run.flush()
        before = len(files.records())
        run.step(2, phase="srft", metrics={}, tokens=0)
        calls = [(call.name, call.path) for call in files.records()[before:]]
    assert calls == [("write", EVENTS), ("sync", EVENTS)]


def test_what_was_found_in_a_step_shares_the_write_of_its_event(tmp_path):
    files = RecordingFiles(tmp_path / "run")
    with create(tmp_path / "run", files=files) as run:
        run.step(1, phase="srft", metrics={"loss/total": float("nan")}, tokens=0)
    last = [call for call in files.records() if call.name == "write"][-1]
    assert [line.split(b'"kind":"')[1].split(b'"')[0] for line in last.data.splitlines()] == [b"non_finite", b"step"]


def test_run_json_is_complete_before_its_name_appears(tmp_path):
    files = RecordingFiles(tmp_path / "run")
    with create(tmp_path / "run", files=files):
        pass
    names = [(call.name, call.path) for call in files.records()]
    begin = names.index(("open_anew", "run.json.new"))
    assert names[begin : begin + 5] == [
        ("open_anew", "run.json.new"),
        ("write", "run.json.new"),
        ("sync", "run.json.new"),
        ("replace", "run.json.new"),
        ("sync_folder", "."),
    ]


@pytest.fixture(scope="module")
def recorded_calls(tmp_path_factory) -> list[Call]:
    """Two attempts with several segments, an unfinished step between them."""
    root = tmp_path_factory.mktemp("recorded") / "run"
    files = RecordingFiles(root)
    with create(root, files=files, segment_bytes=2500) as run:
        for step in (1, 2, 3):
            write_step(run, step)
        run.append_group(4, 0, prompt(), [row(0), row(1)])
        run.flush()
    with resume(root, 2, files=files, segment_bytes=2500) as run:
        for step in (3, 4):
            write_step(run, step)
    return files.records()


@pytest.mark.parametrize(
    "ending", ["kill", "kill in the middle of a write", "power loss", "power loss, some bytes more"]
)
def test_no_ending_at_any_call_loses_what_was_acknowledged(recorded_calls, tmp_path, ending):
    chance = random.Random(5)
    for count in range(len(recorded_calls) + 1):
        disk = SimulatedDisk()
        for call in recorded_calls[:count]:
            disk.apply(call)
        root = tmp_path / f"{count:03d}" / "run"
        match ending:
            case "kill":
                disk.after_kill(root)
            case "kill in the middle of a write":
                if count == len(recorded_calls) or recorded_calls[count].name != "write":
                    continue
                disk.apply(recorded_calls[count], share=chance.random())
                disk.after_kill(root)
            case "power loss":
                disk.after_power_loss(root, None)
            case _:
                disk.after_power_loss(root, chance)
        _check_goes_on(root, acknowledged_events(recorded_calls[:count]))


def acknowledged_events(calls: list[Call]) -> list[bytes]:
    written, acknowledged = b"", b""
    for call in calls:
        if call.path == EVENTS and call.name == "write":
            written += call.data
        elif call.path == EVENTS and call.name == "sync":
            acknowledged = written
    return acknowledged.splitlines()


def _check_goes_on(root: Path, acknowledged: list[bytes]) -> None:
    if not (root / "run.json").exists():
        assert acknowledged == []
        with create(root) as run:
            write_step(run, 1)
        assert list(fold_run(root)["steps"]) == [1]
        return
    text = (root / EVENTS).read_bytes() if acknowledged else b""
    assert text.splitlines()[: len(acknowledged)] == acknowledged
    events = list(iterate_events(root))
    check_rows_readable(root, events)
    last_step = max((event["step"] for event in events if event["kind"] == "step"), default=0)
    with resume(root, max(0, last_step - 1)) as run:
        write_step(run, last_step + 1)
    again = list(iterate_events(root))
    assert again[: len(acknowledged)] == events[: len(acknowledged)]
    assert again[: len(events)] == events
    check_rows_readable(root, again)
    assert [len(step["rows"]) for step in fold_run(root)["steps"].values()] == [4] * max(1, last_step)


def check_rows_readable(root: Path, events: list[dict]) -> None:
    """Every acknowledged index line leads to intact records."""
    index_bytes = max((event["index_bytes"] for event in events if "index_bytes" in event), default=0)
    lines = list(iterate_index(root, 0, index_bytes))
    assert sum(event["kind"] == "step" for event in events) * 4 == len(lines)
    assert len({line["id"] for line in lines}) == len(lines)
    for line in lines:
        assert read_record(root, line["address"]).tokens == line["tokens"]
        assert read_record(root, line["prompt"]).tokens == 5

"""A disk that refuses: the run stays readable, the error says where and what to do, and resuming goes on."""

from __future__ import annotations

import errno

import pytest

from srft.run_directory import RunDirectoryError
from srft.run_directory.fold import comparable_run, fold_run
from srft.run_directory.reader import iterate_events
from tests.error_table import record
from tests.run_directory.broken_disks import RefusingFiles, ShortWritingFiles
from tests.run_directory.examples import create, resume, write_step
from tests.run_directory.test_write_order import check_rows_readable

SEGMENT, INDEX, EVENTS = "rollouts/000001.seg", "rollouts/index.jsonl", "events.jsonl"

# The event file sees one more call than the others before step 2: the `started` event.
FAULTS = [
    ("full disk, segment", "write", SEGMENT, errno.ENOSPC, 1, "free space"),
    ("full disk, index", "write", INDEX, errno.ENOSPC, 1, "free space"),
    ("full disk, events", "write", EVENTS, errno.ENOSPC, 2, "free space"),
    ("quota, segment", "write", SEGMENT, errno.EDQUOT, 1, "free space"),
    ("read-only, segment", "write", SEGMENT, errno.EROFS, 1, "writable"),
    ("failing write, index", "write", INDEX, errno.EIO, 1, "check that disk"),
    ("failing sync, segment", "sync", SEGMENT, errno.EIO, 1, "check that disk"),
    ("failing sync, index", "sync", INDEX, errno.EIO, 1, "check that disk"),
    ("failing sync, events", "sync", EVENTS, errno.EIO, 2, "check that disk"),
    ("full disk, sync", "sync", INDEX, errno.ENOSPC, 1, "free space"),
]


@pytest.mark.parametrize("cuts", [True, False], ids=["cut back", "torn"])
@pytest.mark.parametrize(("name", "call", "path", "number", "after", "remedy"), FAULTS, ids=[f[0] for f in FAULTS])
def test_a_refusal_in_step_2(tmp_path, name, call, path, number, after, remedy, cuts):
    root = tmp_path / "run"
    files = RefusingFiles(root, name=call, path=path, number=number, after=after, cuts=cuts)
    with pytest.raises(RunDirectoryError) as caught, create(root, files=files) as run:
        write_step(run, 1)
        before = (root / path).read_bytes()
        with pytest.raises(RunDirectoryError) as first:
            write_step(run, 2)
        if call == "write" and cuts:
            assert (root / path).read_bytes() == before
        for again in (run.flush, lambda: run.notice(2, "a", "b"), lambda: write_step(run, 2)):
            with pytest.raises(RunDirectoryError) as later:
                again()
            assert later.value is first.value
        raise first.value
    assert str(caught.value).startswith(f"{root / path}: cannot be written (")
    assert remedy in str(caught.value)
    assert "--resume" in str(caught.value)
    if cuts:
        record("run directory", name, str(caught.value).replace(str(tmp_path), "runs"))

    events = list(iterate_events(root))
    assert [event["kind"] for event in events[:2]] == ["started", "step"]
    check_rows_readable(root, events)
    last = max(event["step"] for event in events if event["kind"] == "step")
    with resume(root, 1) as run:
        write_step(run, 2)
        write_step(run, 3)
    assert last in (1, 2)
    with create(tmp_path / "unbroken") as run:
        for step in (1, 2, 3):
            write_step(run, step)
    assert comparable_run(root) == comparable_run(tmp_path / "unbroken")


def test_a_run_that_cannot_be_made(tmp_path):
    files = RefusingFiles(tmp_path / "run", name="open_append", path=EVENTS, number=errno.EROFS)
    with pytest.raises(RunDirectoryError, match="writable"):
        create(tmp_path / "run", files=files)
    with resume(tmp_path / "run", 0) as run:
        write_step(run, 1)
    assert list(fold_run(tmp_path / "run")["steps"]) == [1]


def test_a_run_that_did_not_come_to_be_can_be_made_later(tmp_path):
    files = RefusingFiles(tmp_path / "run", name="write", path="run.json.new")
    with pytest.raises(RunDirectoryError, match="free space"):
        create(tmp_path / "run", files=files)
    with create(tmp_path / "run") as run:
        write_step(run, 1)
    assert list(fold_run(tmp_path / "run")["steps"]) == [1]


def test_short_writes_are_continued(tmp_path):
    for name, files in (("short", {"files": ShortWritingFiles()}), ("plain", {})):
        with create(tmp_path / name, clock=lambda: 5.0, **files) as run:
            write_step(run, 1)
    for path in (SEGMENT, INDEX, EVENTS, "run.json"):
        assert (tmp_path / "short" / path).read_bytes() == (tmp_path / "plain" / path).read_bytes()


def test_a_picture_that_cannot_be_written_does_not_end_the_run(tmp_path):
    files = RefusingFiles(tmp_path / "run", name="write", path="status.json.new")
    with create(tmp_path / "run", files=files) as run:
        write_step(run, 1)
        write_step(run, 2)
    fold = fold_run(tmp_path / "run")
    assert [notice["name"] for notice in fold["notices"]] == ["status_not_written"]
    assert list(fold["steps"]) == [1, 2]


def test_another_error_ends_the_run_as_failed(tmp_path):
    with pytest.raises(ZeroDivisionError), create(tmp_path / "run") as run:
        write_step(run, 1)
        raise ZeroDivisionError("a bug")
    end = fold_run(tmp_path / "run")["end"]
    assert end == {"kind": "failed", "message": "ZeroDivisionError: a bug"}

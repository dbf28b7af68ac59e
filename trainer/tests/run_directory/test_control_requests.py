"""Requests: obeyed in order, refused with a reason, discarded when a trainer starts; each moved and answered once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from srft.run_directory import RunDirectory
from srft.run_directory.reader import iterate_events
from tests.error_table import record
from tests.run_directory.broken_disks import RefusingFiles
from tests.run_directory.examples import create, resume, write_step


def ask(run: RunDirectory, name: str, kind: str = "stop", created: float = 1.0, **more) -> Path:
    text = json.dumps({"kind": kind, "created": created, "by": "a person", **more})
    return put(run, name, text.encode())


def put(run: RunDirectory, name: str, data: bytes, age_s: float = 60) -> Path:
    path = run.layout.control / f"{name}.json"
    path.write_bytes(data)
    stamp = path.stat().st_mtime - age_s
    os.utime(path, (stamp, stamp))
    return path


def answers(root: Path) -> list[tuple[str, str, str, str | None]]:
    events = [event for event in iterate_events(root) if event["kind"] == "control"]
    return [(event["request"], event["asked"], event["outcome"], event["reason"]) for event in events]


def test_requests_come_in_order_of_creation_and_are_answered_once(tmp_path):
    with create(tmp_path / "run") as run:
        ask(run, "b", "pause", created=3)
        ask(run, "c", "checkpoint", created=2)
        ask(run, "a", "stop", created=3, arguments={"checkpoint": True})
        write_step(run, 1)
        pending = run.requests()
        assert [(request.name, request.asked) for request in pending] == [
            ("c", "checkpoint"),
            ("a", "stop"),
            ("b", "pause"),
        ]
        assert pending[1].request.arguments == {"checkpoint": True}
        run.done(pending[0], "done")
        run.done(pending[1], "done")
        run.done(pending[2], "refused", "the run is stopping")
        assert run.requests() == []
        assert sorted(path.name for path in run.layout.control_done.iterdir()) == ["a.json", "b.json", "c.json"]
        assert [path.name for path in run.layout.control.glob("*.json")] == []
    assert answers(tmp_path / "run") == [
        ("c", "checkpoint", "done", None),
        ("a", "stop", "done", None),
        ("b", "pause", "refused", "the run is stopping"),
    ]
    assert {event["step"] for event in iterate_events(tmp_path / "run") if event["kind"] == "control"} == {1}


def test_a_byte_order_mark_is_skipped(tmp_path):
    with create(tmp_path / "run") as run:
        put(run, "marked", b"\xef\xbb\xbf" + request())
        assert [pending.asked for pending in run.requests()] == ["stop"]


def test_a_name_may_be_used_again(tmp_path):
    with create(tmp_path / "run") as run:
        for kind in ("pause", "continue"):
            ask(run, "again", kind)
            for pending in run.requests():
                run.done(pending, "done")
    assert [answer[:3] for answer in answers(tmp_path / "run")] == [
        ("again", "pause", "done"),
        ("again", "continue", "done"),
    ]


def request(**changes) -> bytes:
    plain = {"kind": "stop", "created": 1.0, "by": "a person"}
    return json.dumps({key: value for key, value in {**plain, **changes}.items() if value is not None}).encode()


MALFORMED = [
    ("empty", b"", "", "Invalid JSON"),
    ("torn", b'{"kind": "st', "", "Invalid JSON"),
    ("not UTF-8", b'{"kind": "\xff"}', "", "not UTF-8"),
    ("UTF-16", request().decode().encode("utf-16"), "", "not UTF-8"),
    ("a list", b"[]", "", "object"),
    ("unknown kind", request(kind="explode"), "explode", "kind: Input should be 'stop'"),
    ("no kind", request(kind=None), "", "kind: Field required"),
    ("kind is a number", request(kind=5), "", "kind: Input should be"),
    ("unknown key", request(force=True), "", "force: Extra inputs"),
    ("long name of its writer", request(by="x" * 201), "", "by: String should have at most 200"),
    ("huge", request(by="x" * 70_000), "", "at most 65536"),
    ("deep", b"[" * 60_000, "", "Invalid JSON"),
    ("binary", bytes(range(256)), "", "not UTF-8"),
]


@pytest.mark.parametrize(("name_of_case", "data", "asked", "reason"), MALFORMED, ids=[case[0] for case in MALFORMED])
def test_malformed_requests_are_refused_and_the_run_goes_on(tmp_path, name_of_case, data, asked, reason):
    with create(tmp_path / "run") as run:
        put(run, "odd", data)
        ask(run, "sound", "checkpoint")
        assert [pending.name for pending in run.requests()] == ["sound"]
        assert (run.layout.control_done / "odd.json").read_bytes() == data
        write_step(run, 1)
    ((name, found_asked, outcome, found_reason),) = answers(tmp_path / "run")
    assert (name, found_asked, outcome) == ("odd", asked, "refused")
    assert reason in str(found_reason)
    record("request, in a run that goes on", name_of_case, f"refused: {found_reason}")


def test_a_folder_or_link_is_no_request(tmp_path):
    with create(tmp_path / "run") as run:
        (run.layout.control / "folder.json").mkdir()
        (run.layout.control / "link.json").symlink_to(tmp_path / "elsewhere")
        (run.layout.control / "notes.txt").write_text("stop")
        for name in ("folder.json", "link.json"):
            os.utime(run.layout.control / name, (1, 1), follow_symlinks=False)
        assert run.requests() == []
        assert sorted(path.name for path in run.layout.control.iterdir()) == ["done", "notes.txt"]
    assert [answer[2:] for answer in answers(tmp_path / "run")] == [("refused", "it is not a plain file")] * 2


def test_a_young_torn_request_is_left_to_its_writer(tmp_path):
    with create(tmp_path / "run") as run:
        put(run, "young", b'{"kind": "st', age_s=0)
        assert run.requests() == []
        assert (run.layout.control / "young.json").exists()
        ask(run, "young", "stop")
        assert [pending.asked for pending in run.requests()] == ["stop"]
    assert answers(tmp_path / "run") == []


def test_leftovers_are_discarded_when_a_trainer_starts(tmp_path):
    with create(tmp_path / "run") as run:
        write_step(run, 1)
        ask(run, "late", "pause")
        put(run, "odd", b"{", age_s=0)
    with resume(tmp_path / "run", 1) as run:
        assert run.requests() == []
    reason = "it was left over from before this attempt started"
    assert answers(tmp_path / "run") == [("odd", "", "discarded", reason), ("late", "pause", "discarded", reason)]


class UnmovableFiles(RefusingFiles):
    def replace(self, source: Path, target: Path) -> None:
        if target.parent.name == "done":
            raise self._refuse()
        super().replace(source, target)


def test_a_request_that_cannot_be_moved_is_answered_once(tmp_path):
    with create(tmp_path / "run", files=UnmovableFiles(tmp_path / "run")) as run:
        ask(run, "stuck")
        for pending in run.requests():
            run.done(pending, "done")
        assert run.requests() == []
        write_step(run, 1)
    assert [answer[:3] for answer in answers(tmp_path / "run")] == [("stuck", "stop", "done")]
    notices = [event["name"] for event in iterate_events(tmp_path / "run") if event["kind"] == "notice"]
    assert notices == ["request_not_moved"]

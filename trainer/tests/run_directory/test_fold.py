"""The recorded run of format 1.0, read as a stranger would; and what the fold keeps and drops."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from srft import wire
from srft.errors import InputError
from srft.run_directory import Pass, RunDirectoryError
from srft.run_directory.fold import comparable_run, fold_run
from srft.run_directory.frames import RecordKind
from srft.run_directory.opening import without_home
from srft.run_directory.reader import iterate_events, iterate_index, read_manifest, read_record
from tests.error_table import record
from tests.run_directory.examples import create, manifest, prompt, resume, row, write_step
from tests.run_directory.make_fixture import make_fixture

RECORDED = Path(__file__).parents[3] / "test/fixtures/runs"


def files_of(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("newer", [False, True])
def test_the_recorded_run_is_written_again_byte_for_byte(tmp_path, newer):
    make_fixture(tmp_path / "run", newer=newer)
    assert files_of(tmp_path / "run") == files_of(RECORDED / ("newer-minor" if newer else "rich"))


def test_every_line_of_the_recorded_run_has_its_type():
    root = RECORDED / "rich"
    event_type = TypeAdapter(wire.RunEvent)
    kinds = {event_type.validate_python(event).kind for event in iterate_events(root)}
    assert kinds == {event.model_fields["kind"].default for event in wire.EventBase.__subclasses__()}
    rows = [wire.IndexLine.model_validate(line) for line in iterate_index(root)]
    assert {line.kind for line in rows} == {"rollout", "demonstration", "hybrid", "evaluation"}
    wire.RunManifest.model_validate(read_manifest(root))
    wire.Status.model_validate_json((root / "status.json").read_bytes())
    wire.Live.model_validate_json((root / "live.json").read_bytes())


def test_the_fold_of_the_recorded_run():
    fold = fold_run(RECORDED / "rich")
    assert [attempt["attempt"] for attempt in fold["attempts"]] == [1, 2]
    assert {number: step["phase"] for number, step in fold["steps"].items()} == {
        1: "srft",
        2: "srft",
        3: "srft",
        4: "grpo",
        5: "grpo",
        6: "grpo",
    }
    assert {row["attempt"] for number in (1, 2) for row in fold["steps"][number]["rows"]} == {1}
    assert {row["attempt"] for number in (3, 4, 5, 6) for row in fold["steps"][number]["rows"]} == {2}
    passes = [(event["step"], event["name"], event["checkpoint"], len(event["rows"])) for event in fold["evaluations"]]
    assert passes == [
        (0, "evaluation", "current", 6),
        (2, "evaluation", "current", 6),
        (6, "evaluation", "current", 6),
        (6, "final_evaluation", "last", 6),
        (6, "final_evaluation", "best", 6),
    ]
    assert list(fold["checkpoints"]) == [6]
    # Of the first attempt, what came after step 2 is dropped: its non-finite loss, its skipped update.
    assert [event["names"] for event in fold["non_finite"]] == [["gradient/norm"]]
    assert [notice["name"] for notice in fold["notices"]] == ["recording_thinned"]
    assert [(event["asked"], event["outcome"]) for event in fold["controls"]] == [
        ("explode", "refused"),
        ("pause", "done"),
        ("continue", "done"),
        ("stop", "discarded"),
    ]
    assert [event["phase"] for event in fold["phases"]] == ["grpo"]
    assert (fold["end"], fold["unknown"]) == ({"kind": "finished", "message": None}, {})


def test_every_record_of_the_recorded_run_is_intact():
    root = RECORDED / "rich"
    kinds, columns, dropped = set(), set(), 0
    for line in iterate_index(root):
        if line["address"] is None:
            dropped += 1
            continue
        found = read_record(root, line["address"])
        assert found.tokens == line["tokens"]
        assert int(found.values["byte_length"].sum()) == len(found.text)
        kinds.add(RecordKind(found.kind).name)
        columns |= found.values.keys()
        assert RecordKind(read_record(root, line["prompt"]).kind) is RecordKind.PROMPT
    assert kinds == {"ROLLOUT", "DEMONSTRATION", "HYBRID", "EVALUATION"}
    assert columns >= {"advantage", "origin", "pull/self", "pull/demo_sft", "pull/demo_rl", "entropy_pull"}
    assert dropped > 0


def test_what_a_later_minor_version_writes_is_kept():
    root = RECORDED / "newer-minor"
    fold = fold_run(root)
    assert fold["manifest"]["mood"] == "curious"
    assert fold["unknown"] == {"dreamt": 1}
    assert fold["notices"][-1]["severity"] == "low"
    dream = next(line for line in iterate_index(root) if line["kind"] == "daydream")
    assert dream["vividness"] == 0.25
    found = read_record(root, dream["address"])
    assert (found.kind, found.text, list(found.values["novelty"])) == (
        77,
        b"a dream of numbers",
        [0.5, 1.0, 1.5, 2.0],
    )


@pytest.mark.parametrize("version", ["2.0", "0.9", "", "10.0", None])
def test_another_major_version_is_refused_by_name(tmp_path, version):
    with create(tmp_path / "run"):
        pass
    manifest = json.loads((tmp_path / "run/run.json").read_bytes())
    (tmp_path / "run/run.json").write_text(json.dumps({**manifest, "format": version}))
    for attempt in (lambda: fold_run(tmp_path / "run"), lambda: resume(tmp_path / "run", 0)):
        with pytest.raises(InputError, match=r"this program reads 1\.x") as caught:
            attempt()
        assert version is None or version in str(caught.value)
    if version == "2.0":
        record("run directory", "another major version", str(caught.value).replace(str(tmp_path), "runs"))


def test_a_run_that_was_interrupted_equals_one_that_was_not(tmp_path):
    with create(tmp_path / "unbroken") as run:
        for step in range(1, 7):
            write_step(run, step)
            if step % 2 == 0:
                run.checkpoint(
                    step, path=run.layout.checkpoint(step), bytes=1, accuracy=None, best=False, chosen_on=None
                )
        run.end(wire.EndReason(kind="finished"))
    with create(tmp_path / "broken") as run:
        for step in range(1, 6):
            write_step(run, step)
            if step % 2 == 0:
                run.checkpoint(
                    step, path=run.layout.checkpoint(step), bytes=1, accuracy=None, best=False, chosen_on=None
                )
        run.append_group(6, 0, prompt(), [row()])
        run.flush()
    with resume(tmp_path / "broken", 4) as run:
        for step in (5, 6):
            write_step(run, step)
        run.checkpoint(6, path=run.layout.checkpoint(6), bytes=1, accuracy=None, best=False, chosen_on=None)
        run.end(wire.EndReason(kind="finished"))
    assert comparable_run(tmp_path / "broken") == comparable_run(tmp_path / "unbroken")
    with resume(tmp_path / "broken", 5) as run:
        run.append_group(6, 0, prompt(), [row(seed=99)])
        run.step(6, phase="srft", metrics={"loss/total": 1.5, "reward/mean": 0.5}, tokens=48)
    assert comparable_run(tmp_path / "broken") != comparable_run(tmp_path / "unbroken")


def test_an_evaluation_made_again_takes_the_place_of_the_first(tmp_path):
    with create(tmp_path / "run") as run:
        run.append_group(0, 0, prompt(), [row(0)], Pass.EVALUATION)
        run.evaluation(0, greedy={}, metrics={"length": 1})
    with resume(tmp_path / "run", 0) as run:
        run.append_group(0, 0, prompt(), [row(0)], Pass.EVALUATION)
        run.evaluation(0, greedy={}, metrics={"length": 2})
    (event,) = fold_run(tmp_path / "run")["evaluations"]
    assert event["metrics"] == {"length": 2}
    assert [line["id"] for line in event["rows"]] == ["a2-e0-g0-0"]


DAMAGES = [
    ("an event that is no JSON", "events.jsonl", lambda b: b.replace(b'{"seq":1,', b'x"seq":1,'), "events.jsonl:2"),
    ("a missing event", "events.jsonl", lambda b: b"".join(b.splitlines(True)[::2]), "events.jsonl:2"),
    ("a shorter index", "rollouts/index.jsonl", lambda b: b[:-10], "index.jsonl: has lost its end"),
    ("a shorter segment", "rollouts/000001.seg", lambda b: b[:-8], "000001.seg: has lost its end"),
]


@pytest.mark.parametrize(("given", "path", "change", "says"), DAMAGES, ids=[case[0] for case in DAMAGES])
def test_damage_before_what_was_acknowledged_is_refused(tmp_path, given, path, change, says):
    with create(tmp_path / "run") as run:
        for step in (1, 2, 3):
            write_step(run, step)
    damaged = tmp_path / "run" / path
    damaged.write_bytes(change(damaged.read_bytes()))
    before = files_of(tmp_path / "run")
    with pytest.raises(RunDirectoryError, match=says) as caught:
        resume(tmp_path / "run", 2)
    record("run directory", given, str(caught.value).replace(str(tmp_path), "runs"))
    assert files_of(tmp_path / "run") == before


def test_a_changed_byte_in_a_segment_is_named(tmp_path):
    with create(tmp_path / "run") as run:
        write_step(run, 1)
    segment = run.layout.segment(1)
    (line, *_) = iterate_index(tmp_path / "run")
    data = bytearray(segment.read_bytes())
    data[line["address"]["offset"] + 40] ^= 1
    segment.write_bytes(data)
    with pytest.raises(RunDirectoryError, match=f"byte {line['address']['offset']}: the checksum does not match"):
        read_record(tmp_path / "run", line["address"])


def test_a_checkpoint_of_a_dropped_future_is_refused(tmp_path):
    with create(tmp_path / "run") as run:
        for step in (1, 2, 3):
            write_step(run, step)
    with resume(tmp_path / "run", 1):
        pass
    with pytest.raises(InputError, match="reach only to step 1"):
        resume(tmp_path / "run", 3)


OCCUPANTS = [
    ("a run", "run.json", "already holds a run"),
    ("somebody's files", "thesis.tex", r"not empty \(it holds thesis.tex\)"),
    ("events without a run", "events.jsonl", "not empty"),
]


@pytest.mark.parametrize(("given", "name", "says"), OCCUPANTS, ids=[case[0] for case in OCCUPANTS])
def test_an_occupied_folder_is_refused_and_left_alone(tmp_path, given, name, says):
    (tmp_path / name).write_text("{}")
    with pytest.raises(InputError, match=says) as caught:
        create(tmp_path)
    record("run directory", f"a folder with {given}", str(caught.value).replace(str(tmp_path), "runs/run"))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_with_only_a_log_is_taken_and_parents_are_made(tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/trainer.log").write_text("starting\n")
    with create(tmp_path / "a/b"), create(tmp_path / "c/d/e"):
        pass
    assert [fold_run(tmp_path / name)["attempts"][0]["attempt"] for name in ("a/b", "c/d/e")] == [1, 1]


def test_no_home_folder_in_run_json(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ada"))
    private = manifest(recipe={"model": {"path": "/home/ada/models/x"}, "list": ["/home/ada", "/home/adam/x"]})
    assert without_home(private).recipe == {"model": {"path": "~/models/x"}, "list": ["~", "/home/adam/x"]}


def test_nothing_follows_the_end(tmp_path):
    with create(tmp_path / "run") as run:
        run.end(wire.EndReason(kind="finished"))
        with pytest.raises(ValueError, match="has ended"):
            run.notice(1, "late", "too late")
    with resume(tmp_path / "run", 0) as run:
        write_step(run, 1)
    assert fold_run(tmp_path / "run")["end"] is None
    shutil.rmtree(tmp_path / "run")

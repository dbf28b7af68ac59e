"""Rows as they stand in the index and in the segments."""

from __future__ import annotations

import numpy as np
import pytest

from srft import wire
from srft.rows import Kind, Problem, Row, StopReason
from srft.run_directory import Pass, RowRecord
from srft.run_directory.fold import fold_run
from srft.run_directory.frames import RecordKind
from srft.run_directory.reader import iterate_events, iterate_index, read_columns, read_record
from tests.run_directory.examples import create, prompt, row, write_step


def written(path, *rows: RowRecord, place: Pass = Pass.STEP, **changes) -> list[dict]:
    with create(path, **changes) as run:
        run.append_group(1, 4, prompt(), rows, place)
        run.step(1, phase="srft", metrics={}, tokens=0)
    lines = list(iterate_index(path))
    for line in lines:
        wire.IndexLine.model_validate(line)
    return lines


def test_every_field_of_an_index_line(tmp_path):
    (line,) = written(tmp_path / "run", row(2, entropies=np.array([0.5, 1.0, 0.0, 0.5], np.float32), note="timeout"))
    address, prompt_address = line.pop("address"), line.pop("prompt")
    assert line == {
        "id": "a1-s1-g4-2",
        "attempt": 1,
        "step": 1,
        "group": 4,
        "index": 2,
        "prompt_id": "p1",
        "kind": "rollout",
        "reward": 1.0,
        "parts": {"exact": 1.0},
        "advantage": 0.5,
        "correct": True,
        "truncated": False,
        "stop": "end",
        "tokens": 4,
        "temperature": 1.0,
        "entropy": 0.5,
        "weights": {"w_rl": 0.25},
        "policy_version": 3,
        "head": "1 + 2 = 3</s>",
        "note": "timeout",
    }
    assert read_record(tmp_path / "run", prompt_address).text == b"<s>What is 1 + 2?"
    assert address["offset"] == prompt_address["offset"] + prompt_address["length"]


def test_columns_come_back_bit_for_bit(tmp_path):
    given = row(prefix_length=2, kind=Kind.HYBRID, advantages=np.array([0.5, np.nan, np.inf, -1], np.float32))
    (line,) = written(tmp_path / "run", given)
    record = read_record(tmp_path / "run", line["address"])
    assert (record.kind, record.tokens, record.text) == (RecordKind.HYBRID, 4, b"1 + 2 = 3</s>")
    expected = {
        "id": given.token_ids.astype(np.uint32),
        "byte_length": np.array([6, 2, 1, 4], np.uint16),
        "logprob": given.logprobs,
        "entropy": given.entropies,
        "entropy_pull": given.entropy_pull,
        "advantage": given.advantages,
        "origin": np.array([1, 1, 0, 0], np.uint8),
        "pull/self": given.pull["self"],
    }
    assert record.values.keys() == expected.keys()
    for name, values in expected.items():
        assert values is not None
        assert record.values[name].dtype == values.dtype
        assert record.values[name].tobytes() == values.tobytes()


def test_columns_a_row_has_not_are_absent(tmp_path):
    given = row(kind=Kind.EVALUATION, logprobs=None, entropies=None, pull={}, entropy_pull=None)
    (line,) = written(tmp_path / "run", given, place=Pass.EVALUATION)
    assert line["id"] == "a1-e1-g4-0"
    assert read_record(tmp_path / "run", line["address"]).values.keys() == {"id", "byte_length"}


@pytest.mark.parametrize(
    ("words", "head"),
    [
        ([], ""),
        ([b"caf\xc3", b"\xa9"], "café"),
        ([b"\xff\xfe"], "\ufffd\ufffd"),
        ([b" a\n\n ", b"\tb "], "a b"),
        ([b"x" * 500], "x" * 80),
        (["é".encode()] * 200, "é" * 80),
        (["😀".encode()] * 200, "😀" * 80),
        ([b"\xf0"] * 200, "\ufffd" * 80),
    ],
    ids=["empty", "two bytes", "invalid", "spaces", "long", "two-byte letters", "four-byte letters", "long invalid"],
)
def test_first_words(tmp_path, words, head):
    (line,) = written(tmp_path / "run", row(words=words))
    assert line["head"] == head


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_not_finite_become_null_and_are_named(tmp_path, value):
    given = row(reward=value, reward_parts={"exact": value}, advantage=value, weights={"w_rl": value})
    (line,) = written(tmp_path / "run", given)
    assert (line["reward"], line["parts"], line["advantage"], line["weights"]) == (
        None,
        {"exact": None},
        None,
        {"w_rl": None},
    )
    found = next(event for event in iterate_events(tmp_path / "run") if event["kind"] == "non_finite")
    assert found["names"] == ["row/advantage", "row/reward", "row/reward/exact", "row/w_rl"]


@pytest.mark.parametrize(
    ("entropies", "mean"),
    [(None, None), ([], None), ([np.nan, np.nan], None), ([np.nan, 0.5], 0.5), ([0.25, 0.75], 0.5)],
)
def test_mean_entropy_is_of_the_known(tmp_path, entropies, mean):
    count = 2 if entropies is None else len(entropies)
    values = None if entropies is None else np.array(entropies, np.float32)
    (line,) = written(tmp_path / "run", row(words=[b"a"] * count, entropies=values))
    assert line["entropy"] == mean


def test_a_new_term_begins_a_segment_that_declares_it(tmp_path):
    with create(tmp_path / "run") as run:
        run.append_group(0, 0, prompt(), [row(pull={})], Pass.EVALUATION)
        run.evaluation(0, greedy={}, metrics={})
        for step, terms in enumerate((["self"], ["self"], ["self", "demo"]), start=1):
            values = np.zeros(4, np.float32)
            run.append_group(step, 0, prompt(), [row(pull=dict.fromkeys(terms, values))])
            run.step(step, phase="srft", metrics={}, tokens=0)
    declared = {
        number: [column["name"] for column in read_columns(path) if column["name"].startswith("pull/")]
        for number, path in run.layout.segments().items()
    }
    assert declared == {1: [], 2: ["pull/self"], 3: ["pull/self", "pull/demo"]}
    assert [line["address"]["segment"] for line in iterate_index(tmp_path / "run")] == [1, 2, 2, 3]


def test_segments_respect_their_limit(tmp_path):
    with create(tmp_path / "run", segment_bytes=2000) as run:
        for step in range(1, 6):
            write_step(run, step)
    sizes = [path.stat().st_size for path in run.layout.segments().values()]
    assert len(sizes) > 2
    assert all(1000 < size <= 2000 for size in sizes)
    fold = fold_run(tmp_path / "run")
    for step in fold["steps"].values():
        for line in step["rows"]:
            assert read_record(tmp_path / "run", line["address"]).text == b"1 + 2 = 3</s>"


def test_a_record_longer_than_the_limit_has_a_segment_of_its_own(tmp_path):
    lines = written(tmp_path / "run", row(0, words=[b"x" * 1000] * 50), row(1), segment_bytes=2000)
    assert [read_record(tmp_path / "run", line["address"]).tokens for line in lines] == [50, 4]
    assert lines[0]["address"]["segment"] != lines[1]["address"]["segment"]


def test_a_demonstration_made_from_a_row(tmp_path):
    problem = Problem(
        id="p1", prompt_text="q", prompt_ids=(1,), answer="3", question="q", opened_tag=False, demonstration_text="abc"
    )
    judged = Row(
        problem=problem,
        step=1,
        group=0,
        index=7,
        kind=Kind.DEMONSTRATION,
        token_ids=np.array([5, 6], np.int32),
        prefix_length=2,
        stop_reason=StopReason.GIVEN,
        policy_version=9,
        reward=1.0,
        reward_parts={"exact": 1.0},
        correct=True,
        logprobs=None,
        entropies=None,
    )
    scored = np.array([-0.5, -1.5], np.float32)
    record = RowRecord.of(judged, [b"a", b"bc"], temperature=1.0, logprobs=scored, entropies=-scored)
    (line,) = written(tmp_path / "run", record)
    assert (line["kind"], line["stop"], line["temperature"], line["policy_version"]) == (
        "demonstration",
        "given",
        None,
        None,
    )
    values = read_record(tmp_path / "run", line["address"]).values
    assert list(values["origin"]) == [1, 1]
    assert (list(values["logprob"]), line["entropy"]) == ([-0.5, -1.5], 1.0)

"""Which groups keep their tokens, and how much disk a run takes."""

from __future__ import annotations

import pytest

from srft.config import RecordingConfig
from srft.run_directory.fold import fold_run
from srft.run_directory.reader import read_record
from srft.run_directory.space import keeps_tokens, predict_bytes
from tests.run_directory.examples import create, prompt, resume, row, write_step


@pytest.mark.parametrize(
    ("share", "low", "high"), [(0, 0, 0), (0.1, 850, 1150), (0.5, 4750, 5250), (1, 10_000, 10_000)]
)
def test_the_share_of_groups_is_kept(share, low, high):
    kept = sum(keeps_tokens(3, step, group, share) for step in range(100) for group in range(100))
    assert low <= kept <= high


def test_the_choice_depends_on_the_seed_alone():
    chosen = [[keeps_tokens(seed, 5, group, 0.5) for group in range(64)] for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]


def test_beyond_the_limit_the_index_goes_on_and_is_said_once(tmp_path):
    recording = RecordingConfig(max_gb=1400 / 1e9, share_beyond=0.5)
    with create(tmp_path / "run", recording=recording) as run:
        for step in range(1, 9):
            write_step(run, step, groups=4)
    with resume(tmp_path / "run", 8, recording=recording) as run:
        write_step(run, 9, groups=4)
    fold = fold_run(tmp_path / "run")
    assert [(notice["name"], notice["step"]) for notice in fold["notices"]] == [("recording_thinned", 1)]
    for number, step in fold["steps"].items():
        assert len(step["rows"]) == 8
        for line in step["rows"]:
            if number > 1:
                kept = keeps_tokens(7, number, line["group"], 0.5)
                assert (line["address"] is not None, line["prompt"] is not None) == (kept, kept)
            if line["address"] is not None:
                assert read_record(tmp_path / "run", line["address"]).tokens == line["tokens"]
    kept = {line["address"] is not None for number in range(2, 10) for line in fold["steps"][number]["rows"]}
    assert kept == {True, False}


@pytest.mark.parametrize(("tokens", "groups", "rows"), [(40, 4, 8), (400, 2, 8), (5, 8, 2)])
def test_prediction_against_what_was_written(tmp_path, tokens, groups, rows):
    with create(tmp_path / "run") as run:
        for step in range(1, 11):
            for group in range(groups):
                words = [b"word"] * tokens
                run.append_group(step, group, prompt(), [row(n, words, prefix_length=1) for n in range(rows)])
            run.step(step, phase="srft", metrics={f"metric/{n}": n / 7 for n in range(40)}, tokens=0)
    segments = sum(path.stat().st_size for path in run.layout.segments().values())
    predicted = predict_bytes(
        steps=10,
        groups_per_step=groups,
        rows_per_group=rows,
        mean_response_tokens=tokens,
        mean_prompt_tokens=5,
        terms=1,
        max_gb=20,
        share_beyond=0.1,
    )
    assert predicted.segments == pytest.approx(segments, rel=0.1)
    assert predicted.index == pytest.approx(run.layout.index.stat().st_size, rel=0.25)
    assert predicted.events == pytest.approx(run.layout.events.stat().st_size, rel=0.35)


def test_prediction_beyond_the_limit():
    plain = {
        "steps": 1000,
        "groups_per_step": 128,
        "rows_per_group": 8,
        "mean_response_tokens": 1000,
        "mean_prompt_tokens": 100,
        "terms": 3,
    }
    unlimited = predict_bytes(**plain, max_gb=1000, share_beyond=0.1)
    half_gb = unlimited.segments / 2 / 1e9
    thinned = predict_bytes(**plain, max_gb=half_gb, share_beyond=0.1)
    assert unlimited.thinned_from_step is None
    assert thinned.thinned_from_step == pytest.approx(501, abs=1)
    assert thinned.segments == pytest.approx(0.55 * unlimited.segments, rel=0.01)
    assert (thinned.index, thinned.events) == (unlimited.index, unlimited.events)
    assert thinned.total == thinned.segments + thinned.index + thinned.events

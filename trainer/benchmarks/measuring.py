"""What the benchmarks share: paired timings, how they are reported, and a run of the product stepped by hand."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from srft.engine.sampler import make_sampler
from srft.keeper import CheckpointKeeper
from srft.manifest import make_manifest
from srft.preparation import Prepared
from srft.prompts import PromptSource
from srft.recorder import Recorder
from srft.run_directory import RunDirectory, WriterOptions
from srft.session import Session
from srft.updater import Updater

DEMO = Path(__file__).resolve().parent.parent / "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """One timing: seconds of wall clock and the response tokens generated in them."""

    seconds: float
    tokens: int


def figures_of_pairs(key: str, theirs: Sequence[Timed], ours: Sequence[Timed]) -> dict[str, float]:
    """`key`: how many times as long they took, the median over pairs measured one after the other.

    Beside it its least and largest, medians of both sides' seconds and means of their tokens.
    """
    ratios = [their.seconds / our.seconds for their, our in zip(theirs, ours, strict=True)]
    return {
        **spread(key, ratios),
        f"{key}_their_seconds": statistics.median(each.seconds for each in theirs),
        f"{key}_our_seconds": statistics.median(each.seconds for each in ours),
        f"{key}_their_tokens": statistics.mean(each.tokens for each in theirs),
        f"{key}_our_tokens": statistics.mean(each.tokens for each in ours),
    }


def spread(key: str, values: Sequence[float]) -> dict[str, float]:
    """Median, least and largest of repeated measurements, by the names that scripts/bench.mjs reads."""
    return {key: statistics.median(values), f"{key}_min": min(values), f"{key}_max": max(values)}


def print_figures(figures: Mapping[str, float]) -> None:
    """The last line of a benchmark: its figures, four digits each."""
    print(json.dumps({key: float(f"{value:.4g}") for key, value in figures.items()}))


def without_end(ready: Prepared) -> Prepared:
    """The same, but no token ends a response: the end token is one like any other, all responses have full length."""
    sampler = make_sampler(ready.policy.model, frozenset(), batch_tokens=ready.recipe.rollouts.batch_tokens)
    return replace(ready, collector=replace(ready.collector, sampler=sampler, end_token_ids=frozenset()))


def new_session(ready: Prepared, run: RunDirectory) -> Session:
    """What `srft train` makes of a prepared recipe without evaluation and references."""
    session = Session(
        prepared=ready,
        run=run,
        keeper=CheckpointKeeper(run=run, config=ready.recipe.checkpoint, chosen_on=None),
        recorder=Recorder(
            run=run, token_bytes=ready.collector.token_bytes, temperature=ready.recipe.rollouts.temperature
        ),
        source=PromptSource(ready.problems, ready.recipe.seed),
        say=lambda line: None,
        updater=Updater(ready.recipe, ready.policy, ready.training_pass, run, starting_weights={}),
    )
    run.state("running")
    return session


def new_run_directory(ready: Prepared, path: Path) -> RunDirectory:
    """As `srft train` makes it."""
    options = WriterOptions(steps=ready.recipe.training.steps, seed=ready.recipe.seed, recording=ready.recipe.recording)
    return RunDirectory.create(path, make_manifest(ready, path, None), options)


def take_step(session: Session) -> None:
    """One step, as in srft/train.py, recorded and acknowledged."""
    step = session.step + 1
    phase = session.enter(step)
    groups, refused = session.collect(phase.method, step)
    updates = phase.method.updates(groups, step)
    results = [session.apply(update, phase, step) for update in updates]
    session.updater.follow()
    session.record(step, phase, groups, refused, updates, results)
    if not all(result.applied for result in results):
        raise RuntimeError(f"step {step} left an update out")


def step_metrics_of(run_dir: Path) -> list[dict[str, float]]:
    """The metrics of every step event of a run, in order."""
    events: list[dict[str, Any]] = [
        json.loads(line) for line in (run_dir / "events.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    return [event["metrics"] for event in events if event["kind"] == "step"]


def shares_of_step(steps: Sequence[Mapping[str, float]]) -> str:
    """Where the step's time went, in words: medians over steps."""
    parts = [name for name in steps[0] if name.startswith("seconds/") and name != "seconds/step"]
    medians = {
        name.removeprefix("seconds/"): statistics.median(step[name] / step["seconds/step"] for step in steps)
        for name in parts
    }
    return ", ".join(f"{name} {share:.1%}" for name, share in medians.items() if share >= 0.0005)

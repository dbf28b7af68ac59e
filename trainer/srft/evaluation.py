"""Held-out problems: greedy and sampled answers, with intervals, recorded like rollouts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from srft.collect import Collector, sampling_settings
from srft.config import SamplingConfig
from srft.engine.sampler import Watch
from srft.maths.intervals import mean_interval, pass_at_k, wilson
from srft.methods.method import Group
from srft.rows import Kind, Problem, Row, sample_seed
from srft.wire import Interval, Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """One pass over a set."""

    groups: Sequence[Group]
    """One a problem: the greedy answer first, the sampled ones after it."""
    greedy: dict[str, Interval]
    """`accuracy`, then each reward part."""
    sampled: dict[str, Interval] | None
    metrics: Metrics

    @property
    def accuracy(self) -> float:
        """Share of problems whose greedy answer is right."""
        return self.greedy["accuracy"].value


def evaluate(
    collector: Collector,
    problems: Sequence[Problem],
    *,
    samples: int,
    sampling: SamplingConfig,
    seed: int,
    step: int,
    policy_version: int,
    watch: Watch | None = None,
) -> Evaluated:
    """Ask every problem once greedily and `samples` times at the sampling settings."""
    begin = time.perf_counter()
    sampled = sampling_settings(sampling)
    groups = collector.answers(
        problems,
        [sampling_settings(sampling, greedy=True), *[sampled] * samples],
        kind=Kind.EVALUATION,
        seed_of=lambda problem, index: sample_seed(seed, step, f"evaluation\x00{problem.id}", index),
        step=step,
        policy_version=policy_version,
        watch=watch,
    )
    greedy = [group.rows[0] for group in groups]
    return Evaluated(
        groups=groups,
        greedy=_greedy_figures(greedy),
        sampled=_sampled_figures([group.rows[1:] for group in groups]) if samples else None,
        metrics={
            "length": float(np.mean([len(row.token_ids) for row in greedy])),
            "truncated": float(np.mean([row.truncated for row in greedy])),
            "entropy": _mean_entropy(greedy),
            "reward": float(np.mean([row.reward for row in greedy])),
            "seconds": time.perf_counter() - begin,
        },
    )


def _greedy_figures(rows: Sequence[Row]) -> dict[str, Interval]:
    right = sum(row.correct for row in rows)
    low, high = wilson(right, len(rows))
    figures = {"accuracy": Interval(value=right / len(rows), low=low, high=high, count=len(rows))}
    for name in rows[0].reward_parts:
        figures[name] = _interval([row.reward_parts[name] for row in rows])
    return figures


def _sampled_figures(rows_by_problem: Sequence[Sequence[Row]]) -> dict[str, Interval]:
    samples = len(rows_by_problem[0])
    right = [sum(row.correct for row in rows) for rows in rows_by_problem]
    powers = [2**exponent for exponent in range(1, samples.bit_length()) if 2**exponent < samples]
    by_k = {
        f"pass@{k}": _interval([pass_at_k(count, samples, k) for count in right])
        for k in dict.fromkeys([*powers, samples])
    }
    return {f"avg@{samples}": _interval([count / samples for count in right]), **by_k}


def _interval(values: Sequence[float]) -> Interval:
    value, low, high = mean_interval(values)
    return Interval(value=value, low=low, high=high, count=len(values))


def _mean_entropy(rows: Sequence[Row]) -> float | None:
    kept = [row.entropies for row in rows if row.entropies is not None]
    return float(np.concatenate(kept).mean()) if kept else None

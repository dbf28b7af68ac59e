"""Probes: a few training problems answered at each evaluation, so that answers of different steps can be compared."""

from __future__ import annotations

from collections.abc import Sequence

from srft.collect import Collector, sampling_settings
from srft.config import DataConfig, ProbesConfig
from srft.data.mapping import mapping_of
from srft.data.places import nearest
from srft.engine.sampler import Watch
from srft.errors import InputError
from srft.methods.method import Group
from srft.rows import Kind, Problem, sample_seed


def probe_problems(config: ProbesConfig, problems: Sequence[Problem], data: DataConfig, where: str) -> list[Problem]:
    """The problems to ask, in the recipe's order. Raises `InputError` where the data has not got them."""
    if config.ids is None:
        if config.first > len(problems):
            raise InputError(
                f"probes.first is {config.first} but {data.path} has {len(problems)}",
                where=where,
                remedy=f"set it to at most {len(problems)}",
            )
        return list(problems[: config.first])
    by_id = {problem.id: problem for problem in problems}
    for name in config.ids:
        if name not in by_id:
            raise InputError(
                f"probes.ids names `{name}`, which is no id in {data.path}",
                where=where,
                remedy=_which_there_are(name, list(by_id), data),
            )
    return [by_id[name] for name in config.ids]


def _which_there_are(name: str, ids: Sequence[str], data: DataConfig) -> str:
    if mapping_of(data).id is None:
        return f"name problems by their number, 1 to {len(ids)}, since data.columns names no id"
    near = nearest(name, tuple(ids))
    return f"write `{near}`, the nearest there is" if near else f"name another, such as `{ids[0]}`"


def ask_probes(
    collector: Collector,
    problems: Sequence[Problem],
    config: ProbesConfig,
    *,
    seed: int,
    step: int,
    policy_version: int,
    watch: Watch | None = None,
) -> list[Group]:
    """`config.samples` judged answers to each problem."""
    return collector.answers(
        problems,
        [sampling_settings(config.sampling)] * config.samples,
        kind=Kind.PROBE,
        # Without the step: what differs between two steps comes from the policy, not from the draw.
        seed_of=lambda problem, index: sample_seed(seed, 0, f"probe\x00{problem.id}", index),
        step=step,
        policy_version=policy_version,
        watch=watch,
    )

"""The figures of a step, by the names of docs/run-directory.md. A figure of nothing is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from srft.engine.update import RowFigures, UpdateResult
from srft.maths.objectives import Update
from srft.methods.method import Group
from srft.rows import Kind, Row, TrainingRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A row as its first update of the step saw it."""

    row: TrainingRow
    figures: RowFigures


def trained_rows(updates: Sequence[Update], results: Sequence[UpdateResult]) -> dict[tuple[int, int, int], Trained]:
    """By place: each row's figures in the first update that trained on it."""
    found: dict[tuple[int, int, int], Trained] = {}
    for update, result in zip(updates, results, strict=True):
        for row, figures in zip(update.rows, result.figures, strict=True):
            found.setdefault(row.row.place, Trained(row=row, figures=figures))
    return found


def step_metrics(
    groups: Sequence[Group], trained: Mapping[tuple[int, int, int], Trained], results: Sequence[UpdateResult]
) -> dict[str, float]:
    """Losses, entropies, weights, rewards, lengths, gradient, drift of one step."""
    rows = [row for group in groups for row in group.rows]
    own = [row for row in rows if row.kind is not Kind.DEMONSTRATION]
    return (
        _losses(results)
        | _rewards(groups, own)
        | _entropies_and_weights(list(trained.values()))
        | _drift(list(trained.values()))
        | _pull_masses(list(trained.values()))
    )


def _losses(results: Sequence[UpdateResult]) -> dict[str, float]:
    names = {name: None for result in results for name in result.losses}
    by_term = {
        f"loss/{name}": float(np.mean([result.losses[name] for result in results if name in result.losses]))
        for name in names
    }
    if not results:
        return {}
    total = float(np.mean([sum(result.losses.values()) for result in results]))
    norm = float(np.mean([result.gradient_norm for result in results]))
    return {"loss/total": total, **by_term, "gradient/norm": norm}


def _rewards(groups: Sequence[Group], own: Sequence[Row]) -> dict[str, float]:
    figures: dict[str, float] = {}
    demonstrations = [row for group in groups for row in group.rows if row.kind is Kind.DEMONSTRATION]
    if demonstrations:
        figures["demonstrations/correct"] = _mean([row.correct for row in demonstrations])
        figures["length/demonstration"] = _mean([len(row.token_ids) for row in demonstrations])
    if not own:
        return figures
    figures["reward/mean"] = _mean([row.reward for row in own])
    for name in {name: None for row in own for name in row.reward_parts}:  # A `python` reward names its own parts.
        figures[f"reward/{name}"] = _mean([row.reward_parts[name] for row in own if name in row.reward_parts])
    lengths = [len(row.token_ids) for row in own]
    outcomes = [{row.correct for row in group.rows if row.kind is not Kind.DEMONSTRATION} for group in groups]
    return figures | {
        "rollouts/correct": _mean([row.correct for row in own]),
        "rollouts/truncated": _mean([row.truncated for row in own]),
        "rollouts/unjudged": _mean([row.note is not None and not row.note.startswith("form") for row in own]),
        "groups/all_right": _mean([outcome == {True} for outcome in outcomes]),
        "groups/all_wrong": _mean([outcome == {False} for outcome in outcomes]),
        "length/rollout": _mean(lengths),
        "length/longest": float(max(lengths)),
    }


def _entropies_and_weights(trained: Sequence[Trained]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, of_kind in _by_stream(trained).items():
        if not of_kind:
            continue
        figures[f"entropy/{name}"] = _mean(np.concatenate([item.figures.entropies for item in of_kind]))
        figures[f"logprob/{name}"] = _mean(np.concatenate([item.figures.logprobs for item in of_kind]))
    wrong = [item for item in _by_stream(trained)["rollout"] if not item.row.row.correct]
    if wrong:
        figures["logprob/wrong"] = _mean(np.concatenate([item.figures.logprobs for item in wrong]))
    demonstrations = _by_stream(trained)["demonstration"]
    if demonstrations:
        figures["advantage/demonstration"] = _mean([np.mean(item.row.advantage) for item in demonstrations])
    for name in {name: None for item in trained for name in item.figures.weights}:
        figures[f"weight/{name.removeprefix('w_')}"] = _mean(
            [item.figures.weights[name] for item in trained if name in item.figures.weights]
        )
    return figures


def _drift(trained: Sequence[Trained]) -> dict[str, float]:
    """Mean |log p trained - log p sampled|: the two forwards must agree, or the ratio lies."""
    gaps = [
        np.abs(item.figures.logprobs - item.row.row.logprobs)
        for item in trained
        if item.row.row.logprobs is not None and item.row.row.kind is not Kind.DEMONSTRATION
    ]
    gaps = [gap[~np.isnan(gap)] for gap in gaps]
    return {"logprob/drift": _mean(np.concatenate(gaps))} if any(len(gap) for gap in gaps) else {}


def _pull_masses(trained: Sequence[Trained]) -> dict[str, float]:
    names = {name: None for item in trained for name in item.figures.pulls}
    return {
        f"pull/mass_{name}": float(
            np.sum([np.abs(item.figures.pulls[name]).sum() for item in trained if name in item.figures.pulls])
        )
        for name in names
    }


def _by_stream(trained: Sequence[Trained]) -> dict[str, list[Trained]]:
    return {
        "rollout": [item for item in trained if item.row.row.kind is not Kind.DEMONSTRATION],
        "demonstration": [item for item in trained if item.row.row.kind is Kind.DEMONSTRATION],
    }


def _mean(values: Sequence[float] | Sequence[bool] | np.ndarray) -> float:
    return float(np.mean(np.asarray(values, dtype=np.float64)))

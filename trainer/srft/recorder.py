"""From judged and trained groups to the records of the run directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from srft.methods.method import Group
from srft.metrics import Trained
from srft.rows import Kind, Row
from srft.run_directory import Pass, PromptRecord, RowRecord, RunDirectory


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """Writes groups; the caller acknowledges them with a step or an evaluation."""

    run: RunDirectory
    token_bytes: Sequence[bytes]
    """Raw bytes of every token."""
    temperature: float
    """Of the rollouts."""

    def record_step(self, step: int, groups: Sequence[Group], trained: Mapping[tuple[int, int, int], Trained]) -> None:
        """The groups of a training step, with what their updates computed."""
        for group in groups:
            self._append(step, group, [self._row(row, trained.get(row.place)) for row in group.rows], Pass.STEP)

    def record_evaluation(self, step: int, groups: Sequence[Group], sampled_temperature: float, place: Pass) -> None:
        """The groups of an evaluation: the greedy answer first."""
        for group in groups:
            rows = [
                RowRecord.of(row, self._bytes(row), temperature=0.0 if row.index == 0 else sampled_temperature)
                for row in group.rows
            ]
            self._append(step, group, rows, place)

    def record_probes(self, step: int, groups: Sequence[Group], temperature: float) -> None:
        """The groups of the probes; the evaluation they were asked with acknowledges them."""
        for group in groups:
            rows = [RowRecord.of(row, self._bytes(row), temperature=temperature) for row in group.rows]
            self._append(step, group, rows, Pass.PROBE)

    def _append(self, step: int, group: Group, rows: Sequence[RowRecord], place: Pass) -> None:
        problem = group.problem
        prompt = PromptRecord(
            prompt_id=problem.id,
            token_ids=problem.prompt_ids,
            token_bytes=[self.token_bytes[token] for token in problem.prompt_ids],
        )
        self.run.append_group(step, group.rows[0].group, prompt, rows, place)

    def _row(self, row: Row, trained: Trained | None) -> RowRecord:
        if trained is None:
            return RowRecord.of(row, self._bytes(row), temperature=self.temperature)
        figures, advantage = trained.figures, trained.row.advantage
        per_token = isinstance(advantage, np.ndarray)
        return RowRecord.of(
            # The method may have judged a demonstration itself (`demo_reward`).
            trained.row.row,
            self._bytes(row),
            temperature=None if row.kind is Kind.DEMONSTRATION else self.temperature,
            advantage=float(np.mean(advantage)),
            advantages=np.asarray(advantage, dtype=np.float32) if per_token else None,
            weights=figures.weights,
            pull=figures.pulls,
            entropy_pull=figures.entropy_pull,
            logprobs=figures.logprobs,
            entropies=figures.entropies,
        )

    def _bytes(self, row: Row) -> list[bytes]:
        return [self.token_bytes[token] for token in row.token_ids.tolist()]

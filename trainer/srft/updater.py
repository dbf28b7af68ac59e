"""What learns: the optimisers and the reference of the phase at work, and the execution of updates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from srft.config import Recipe
from srft.engine.optimiser import Optimiser, learning_rate, master_weights
from srft.engine.out_of_memory import is_out_of_memory
from srft.engine.policy import Policy
from srft.engine.ranks import Ranks
from srft.engine.training_pass import TrainingPass
from srft.engine.update import UpdateResult, UpdateSettings, apply_update, score
from srft.ledger import Ledger
from srft.maths.objectives import Update
from srft.maths.tokens import MeanEntropy
from srft.methods import Phase
from srft.methods.method import Method
from srft.references import Reference
from srft.rows import Kind, Row
from srft.run_directory import RunDirectory


class Updater:
    """Owns the state of learning beside the weights: master weights, optimisers, reference, size of a micro-batch.

    `starting_weights` are those of the run's first step, for references; empty where no method compares with them.
    """

    def __init__(
        self,
        recipe: Recipe,
        policy: Policy,
        training_pass: TrainingPass,
        run: RunDirectory,
        starting_weights: Mapping[str, Tensor],
    ) -> None:
        self._recipe, self._policy, self._training_pass, self._run = recipe, policy, training_pass, run
        self._starting_weights = starting_weights
        self._masters = master_weights(policy.names)
        self.phase: Phase | None = None
        self.optimisers: dict[str, Optimiser] = {}
        self.reference: Reference | None = None
        self.micro_batch_halved = False
        """Memory ran out once."""

    @property
    def micro_batch_tokens(self) -> int:
        """Tokens of one pass: the recipe's, or half of it once memory ran out."""
        whole = self._recipe.training.micro_batch_tokens
        return max(1, whole // 2) if self.micro_batch_halved else whole

    def begin(self, phase: Phase) -> None:
        """A new phase: fresh optimisers and, where its method wants one, a reference."""
        self.phase = phase
        needs = phase.method.needs
        self.optimisers = {
            name: Optimiser(self._policy.names, self._masters, self._recipe.optimiser) for name in needs.optimisers
        }
        self.reference = None if needs.reference is None else Reference(needs.reference, self._starting_weights)

    def apply(self, update: Update, phase: Phase, step: int, ledger: Ledger) -> UpdateResult:
        """S7: one update; when memory runs out, once more with half the micro-batch."""
        with ledger.part("logprob"):
            update, mean_entropy = self._scored(update, phase.method)
        with ledger.part("train"):
            result = None
            try:
                result = self._apply(update, mean_entropy, phase, step)
            except (RuntimeError, MemoryError) as error:
                if self.micro_batch_halved or not is_out_of_memory(error):
                    raise
            # Not in the handler: as long as the error lives, so do the tensors of the pass that failed.
            if result is None:
                self._halve_micro_batch(step)
                result = self._apply(update, mean_entropy, phase, step)
        self._tell(result, update, step)
        if result.applied:
            self._policy.version += 1
        return result

    def follow(self) -> None:
        """S8: a moving reference follows the policy."""
        if self.reference is not None:
            self.reference.follow(self._policy)

    def with_logprobs(self, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        """A sampler that keeps no log-probs leaves them to the trainer, before the first update."""
        if all(row.logprobs is not None or row.kind is Kind.DEMONSTRATION for row in rows):
            return rows
        return tuple(
            row
            if row.logprobs is not None or row.kind is Kind.DEMONSTRATION
            else replace(row, logprobs=logprobs, entropies=entropies)
            for row, (logprobs, entropies) in zip(rows, self._score(rows), strict=True)
        )

    def rate(self, phase: Phase, step: int) -> float:
        """The learning rate of a step."""
        return learning_rate(
            self._recipe.optimiser,
            peak=phase.learning_rate,
            step=step - phase.first_step + 1,
            steps=phase.last_step - phase.first_step + 1,
        )

    def state(self) -> dict[str, dict[str, Tensor]]:
        """Tensors of an exact resume, by part: optimisers, master weights, reference."""
        parts = {f"optimiser-{name}": optimiser.state() for name, optimiser in self.optimisers.items()}
        parts["masters"] = {
            name: master.detach().cpu()
            for name, master in self._masters.items()
            if master is not self._policy.names[name]
        }
        if self.reference is not None:
            parts["reference"] = self.reference.state()
        return {part: tensors for part, tensors in parts.items() if tensors}

    def restore_masters(self, parts: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Take back the master weights; they belong to the run, not to a phase."""
        with torch.no_grad():
            for name, master in parts.get("masters", {}).items():
                self._masters[name].copy_(master)

    def restore_phase(self, parts: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Take back optimisers and reference of the phase that was begun."""
        for name, optimiser in self.optimisers.items():
            optimiser.restore(dict(parts.get(f"optimiser-{name}", {})))
        if self.reference is not None:
            self.reference.restore(parts.get("reference", {}))

    def _apply(self, update: Update, mean_entropy: MeanEntropy | None, phase: Phase, step: int) -> UpdateResult:
        return apply_update(
            update,
            training_pass=self._training_pass,
            optimiser=self.optimisers[update.optimiser],
            learning_rate=self.rate(phase, step),
            settings=UpdateSettings(
                temperature=self._temperature,
                micro_batch_tokens=self.micro_batch_tokens,
                ranks=Ranks.of_process_group(),
            ),
            mean_entropy=mean_entropy,
        )

    @property
    def _temperature(self) -> float:
        return self._recipe.rollouts.temperature or 1.0

    def _score(self, rows: Sequence[Row]) -> list[tuple[np.ndarray, np.ndarray]]:
        return score(
            self._training_pass, rows, temperature=self._temperature, micro_batch_tokens=self.micro_batch_tokens
        )

    def _scored(self, update: Update, method: Method) -> tuple[Update, MeanEntropy | None]:
        """The update with reference log-probs, and its mean entropies, where the method asks for them."""
        rows = [row.row for row in update.rows]
        mean_entropy = None
        if method.needs.mean_entropy and rows:
            mean_entropy = _mean_entropy(rows, [entropies for _, entropies in self._score(rows)])
        if self.reference is None or not rows:
            return update, mean_entropy
        logprobs = self.reference.logprobs(
            self._policy, self._training_pass, rows, temperature=self._temperature, tokens=self.micro_batch_tokens
        )
        with_reference = tuple(
            replace(row, reference_logprobs=of_row) for row, of_row in zip(update.rows, logprobs, strict=True)
        )
        return replace(update, rows=with_reference), mean_entropy

    def _halve_micro_batch(self, step: int) -> None:
        for optimiser in self.optimisers.values():
            optimiser.clear()
        self.micro_batch_halved = True
        self._run.notice(
            step,
            "micro_batch_halved",
            f"Memory ran out; micro-batches now hold {self.micro_batch_tokens} tokens instead of "
            f"{self._recipe.training.micro_batch_tokens}. Results stay the same, steps take longer.",
        )
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _tell(self, result: UpdateResult, update: Update, step: int) -> None:
        if result.non_finite:
            self._run.non_finite(
                step, list(result.non_finite), "the update was left out, the weights stay as they were"
            )
        elif not result.applied and update.rows:
            self._run.notice(
                step,
                "update_skipped",
                f"The gradient norm {result.gradient_norm:.4g} is above optimiser.skip_above "
                f"({self._recipe.optimiser.skip_above}); the update was left out.",
            )


def _mean_entropy(rows: Sequence[Row], entropies: Sequence[np.ndarray]) -> MeanEntropy:
    def mean(demonstrations: bool) -> float:
        of_stream = [
            of_row
            for row, of_row in zip(rows, entropies, strict=True)
            if (row.kind is Kind.DEMONSTRATION) is demonstrations
        ]
        return float(np.concatenate(of_stream).mean()) if of_stream else 0.0

    return MeanEntropy(demo=mean(True), own=mean(False))

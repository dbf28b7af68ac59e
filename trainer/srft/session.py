"""A training run between its steps: the state, and what a step is made of. `train.py` puts the parts in order."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from srft.engine.checkpoint import TrainerState
from srft.engine.optimiser import Optimiser, learning_rate, master_weights
from srft.engine.ranks import Ranks
from srft.engine.update import UpdateResult, UpdateSettings, apply_update, score
from srft.errors import InputError
from srft.evaluation import Evaluated, evaluate
from srft.keeper import CheckpointKeeper
from srft.ledger import Ledger
from srft.maths.objectives import Update
from srft.maths.tokens import MeanEntropy
from srft.methods import Phase
from srft.methods.method import Group, Method
from srft.metrics import step_metrics, trained_rows
from srft.preparation import Prepared, Say
from srft.prompts import PromptSource
from srft.recorder import Recorder
from srft.references import Reference
from srft.rows import Kind, Row, sample_seed
from srft.run_directory import Pass, RunDirectory

LivePhase = Literal["generate", "logprob", "reward", "train", "record", "evaluate", "checkpoint"]


@dataclass(slots=True, kw_only=True)
class Session:
    """One run in this process. `step` is the last finished step."""

    prepared: Prepared
    run: RunDirectory
    keeper: CheckpointKeeper
    recorder: Recorder
    source: PromptSource
    say: Say
    starting_weights: dict[str, Tensor]
    """Of the run's first step, for references; empty where no method compares with them."""
    step: int = 0
    tokens: int = 0
    """Response tokens generated since the run began."""
    accuracy: float | None = None
    """Held-out greedy accuracy of the weights as they are, where it was measured."""
    collapsed_steps: int = 0
    micro_batch_tokens: int
    masters: dict[str, Tensor] = field(init=False)
    optimisers: dict[str, Optimiser] = field(init=False, default_factory=dict)
    reference: Reference | None = field(init=False, default=None)
    phase: Phase | None = field(init=False, default=None)
    ledger: Ledger = field(init=False, default_factory=Ledger)

    def __post_init__(self) -> None:
        self.masters = master_weights(self.prepared.policy.names)

    # ---------------------------------------------------------------- a step, in order

    def enter(self, step: int) -> Phase:
        """Seed what torch draws itself (dropout), and begin a new phase where one begins."""
        torch.manual_seed(sample_seed(self.prepared.recipe.seed, step, "torch", 0))
        phase = self.phase_of(step)
        if phase is not self.phase:
            self.begin(phase)
            if len(self.prepared.phases) > 1 and step == phase.first_step:
                self.run.phase(step, phase.method.name)
        return phase

    def collect(self, method: Method, step: int) -> tuple[list[Group], list[Group]]:
        """S0 to S3: the step's judged groups, and those dynamic sampling refused."""
        policy = self.prepared.policy
        kept, refused = self.prepared.collector.step_groups(
            method,
            self.source,
            step=step,
            policy_version=policy.version,
            ledger=self.ledger,
            watch=self.watch(step, "generate"),
        )
        if refused and len(kept) < self.prepared.recipe.training.prompts_per_step:
            self.run.notice(
                step,
                "no_mixed_groups",
                f"After {method.needs.dynamic_sampling_rounds} rounds only {len(kept)} of "
                f"{self.prepared.recipe.training.prompts_per_step} groups have right and wrong answers; the step goes on "
                "with them.",
            )
        with self.ledger.part("logprob"):
            kept = [replace(group, rows=self._with_logprobs(group.rows)) for group in kept]
        self.tokens += sum(
            len(row.token_ids) - row.prefix_length
            for group in (*kept, *refused)
            for row in group.rows
            if row.kind is not Kind.DEMONSTRATION
        )
        return kept, refused

    def apply(self, update: Update, phase: Phase, step: int) -> UpdateResult:
        """S7: one update; when memory runs out, once more with half the micro-batch."""
        self.live(step, "train", 0, len(update.rows))
        with self.ledger.part("logprob"):
            update, mean_entropy = self._scored(update, phase.method)
        with self.ledger.part("train"):
            try:
                result = self._apply(update, mean_entropy, phase, step)
            except (torch.OutOfMemoryError, MemoryError) as error:
                self._halve_micro_batch(step, error)
                result = self._apply(update, mean_entropy, phase, step)
        if result.non_finite:
            self.run.non_finite(step, list(result.non_finite), "the update was left out, the weights stay as they were")
        elif not result.applied and update.rows:
            limit = self.prepared.recipe.optimiser.skip_above
            self.run.notice(
                step,
                "update_skipped",
                f"The gradient norm {result.gradient_norm:.4g} is above optimiser.skip_above ({limit}); the update was "
                "left out.",
            )
        if result.applied:
            self.prepared.policy.version += 1
            self.accuracy = None
        return result

    def follow(self) -> None:
        """S8: a moving reference follows the policy."""
        if self.reference is not None:
            self.reference.follow(self.prepared.policy)

    def record(
        self,
        step: int,
        phase: Phase,
        groups: Sequence[Group],
        refused: Sequence[Group],
        updates: Sequence[Update],
        results: Sequence[UpdateResult],
    ) -> None:
        """Write the groups and acknowledge the step."""
        trained = trained_rows(updates, results)
        metrics = step_metrics(groups, trained, results)
        metrics["learning_rate"] = self._rate(phase, step)
        with self.ledger.part("record"):
            self.recorder.record_step(step, [*groups, *refused], trained)
            self.run.flush()
        seconds = self.ledger.seconds()
        generated = sum(
            len(row.token_ids) for group in groups for row in group.rows if row.kind is not Kind.DEMONSTRATION
        )
        if generated:
            metrics["tokens_per_second"] = generated / seconds["seconds/generate"]
        self.run.step(step, phase=phase.method.name, metrics={**metrics, **seconds}, tokens=self.tokens)
        self.ledger.restart()
        self.step = step
        self._watch_for_collapse(metrics.get("entropy/rollout"))
        self.say(step_line(step, self.prepared.recipe.training.steps, metrics, seconds))

    # ---------------------------------------------------------------- beside the steps

    def evaluate(self, step: int) -> Evaluated | None:
        """Ask the held-out problems, where there are any."""
        config = self.prepared.recipe.evaluation
        if config is None:
            return None
        with self.ledger.part("evaluate"):
            result = self._ask(self.prepared.held_out, config.samples, config.sampling, step)
            self.recorder.record_evaluation(step, result.groups, config.sampling.temperature, Pass.EVALUATION)
            self.run.evaluation(step, greedy=result.greedy, sampled=result.sampled, metrics=result.metrics)
        self.accuracy = result.accuracy
        self.say(f"step {step}: held-out accuracy {result.accuracy:.3f}")
        return result

    def final_evaluation(self, checkpoint: Literal["last", "best"]) -> None:
        """Ask the set that chose nothing, with the weights as they are."""
        config = self.prepared.recipe.final_evaluation
        if config is None:
            return
        result = self._ask(self.prepared.final, config.samples, config.sampling, self.step)
        place = Pass.FINAL_LAST if checkpoint == "last" else Pass.FINAL_BEST
        self.recorder.record_evaluation(self.step, result.groups, config.sampling.temperature, place)
        self.run.evaluation(
            self.step,
            name="final_evaluation",
            checkpoint=checkpoint,
            greedy=result.greedy,
            sampled=result.sampled,
            metrics=result.metrics,
        )
        self.say(f"final evaluation, {checkpoint} checkpoint: accuracy {result.accuracy:.3f}")

    def checkpoint(self, step: int) -> None:
        """Write a checkpoint of `step`, unless there is one."""
        if step in self.keeper.accuracies or step == 0:
            return
        self.live(step, "checkpoint", 0, 1)
        with self.ledger.part("checkpoint"):
            self.keeper.write(step, self.prepared.policy, self.state(), self.accuracy)

    def is_due(self, every: int, step: int) -> bool:
        """Each so many steps, and after the last."""
        return step % every == 0 or step == self.prepared.recipe.training.steps

    @property
    def has_collapsed(self) -> bool:
        """Has the entropy been too low for too long (`stop_on_collapse`)?"""
        guard = self.prepared.recipe.stop_on_collapse
        return guard is not None and self.collapsed_steps >= guard.steps

    # ---------------------------------------------------------------- phases and state

    def phase_of(self, step: int) -> Phase:
        """The phase a step belongs to."""
        return next(phase for phase in self.prepared.phases if phase.first_step <= step <= phase.last_step)

    def begin(self, phase: Phase) -> None:
        """Fresh optimisers and, where the method wants one, a reference."""
        self.phase = phase
        needs, policy = phase.method.needs, self.prepared.policy
        self.optimisers = {
            name: Optimiser(policy.names, self.masters, self.prepared.recipe.optimiser) for name in needs.optimisers
        }
        self.reference = None if needs.reference is None else Reference(needs.reference, self.starting_weights)

    def state(self) -> TrainerState:
        """What an exact resume needs beside the weights."""
        tensors: dict[str, dict[str, Tensor]] = {
            f"optimiser-{name}": optimiser.state() for name, optimiser in self.optimisers.items()
        }
        low_precision = {
            name: master.detach().cpu()
            for name, master in self.masters.items()
            if master is not self.prepared.policy.names[name]
        }
        tensors["masters"] = low_precision
        if self.reference is not None:
            tensors["reference"] = self.reference.state()
        values: dict[str, Any] = {
            "step": self.step,
            "tokens": self.tokens,
            "cursor": self.source.cursor,
            "policy_version": self.prepared.policy.version,
            "accuracy": self.accuracy,
            "collapsed_steps": self.collapsed_steps,
            "micro_batch_tokens": self.micro_batch_tokens,
            "methods": [{"name": phase.method.name, "state": phase.method.state()} for phase in self.prepared.phases],
        }
        return TrainerState(tensors={part: found for part, found in tensors.items() if found}, values=values)

    def restore(self, state: TrainerState) -> None:
        """Take back what `state` gave; the weights are there already."""
        values = state.values
        self.step, self.tokens, self.source.cursor = values["step"], values["tokens"], values["cursor"]
        self.accuracy, self.collapsed_steps = values["accuracy"], values["collapsed_steps"]
        self.micro_batch_tokens = values["micro_batch_tokens"]
        self.prepared.policy.version = values["policy_version"]
        for phase, kept in zip(self.prepared.phases, values["methods"], strict=False):
            if kept["name"] == phase.method.name:  # A fork may have another method.
                phase.method.restore(kept["state"])
        with torch.no_grad():
            for name, master in state.tensors.get("masters", {}).items():
                self.masters[name].copy_(master)
        if self.step >= self.prepared.recipe.training.steps:
            return
        following = self.phase_of(self.step + 1)
        if following.first_step <= self.step:
            self.begin(following)
            for name, optimiser in self.optimisers.items():
                optimiser.restore(dict(state.tensors.get(f"optimiser-{name}", {})))
            if self.reference is not None:
                self.reference.restore(state.tensors.get("reference", {}))

    # ---------------------------------------------------------------- private

    def _apply(self, update: Update, mean_entropy: MeanEntropy | None, phase: Phase, step: int) -> UpdateResult:
        return apply_update(
            update,
            training_pass=self.prepared.training_pass,
            optimiser=self.optimisers[update.optimiser],
            learning_rate=self._rate(phase, step),
            settings=UpdateSettings(
                temperature=self._temperature,
                micro_batch_tokens=self.micro_batch_tokens,
                ranks=Ranks.of_process_group(),
            ),
            mean_entropy=mean_entropy,
        )

    @property
    def _temperature(self) -> float:
        return self.prepared.recipe.rollouts.temperature or 1.0

    def _rate(self, phase: Phase, step: int) -> float:
        return learning_rate(
            self.prepared.recipe.optimiser,
            peak=phase.learning_rate,
            step=step - phase.first_step + 1,
            steps=phase.last_step - phase.first_step + 1,
        )

    def _score(self, rows: Sequence[Row]) -> list[tuple[np.ndarray, np.ndarray]]:
        return score(
            self.prepared.training_pass,
            rows,
            temperature=self._temperature,
            micro_batch_tokens=self.micro_batch_tokens,
        )

    def _with_logprobs(self, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        """A sampler that keeps no log-probs leaves them to the trainer, before the first update."""
        if all(row.logprobs is not None or row.kind is Kind.DEMONSTRATION for row in rows):
            return rows
        return tuple(
            row
            if row.logprobs is not None or row.kind is Kind.DEMONSTRATION
            else replace(row, logprobs=logprobs, entropies=entropies)
            for row, (logprobs, entropies) in zip(rows, self._score(rows), strict=True)
        )

    def _scored(self, update: Update, method: Method) -> tuple[Update, MeanEntropy | None]:
        """The update with reference log-probs, and its mean entropies, where the method asks for them."""
        mean_entropy = None
        if method.needs.mean_entropy and update.rows:
            scored = self._score([row.row for row in update.rows])
            demo = [H for row, (_, H) in zip(update.rows, scored, strict=True) if row.row.kind is Kind.DEMONSTRATION]
            own = [H for row, (_, H) in zip(update.rows, scored, strict=True) if row.row.kind is not Kind.DEMONSTRATION]
            mean_entropy = MeanEntropy(
                demo=float(np.concatenate(demo).mean()) if demo else 0.0,
                own=float(np.concatenate(own).mean()) if own else 0.0,
            )
        if self.reference is None or not update.rows:
            return update, mean_entropy
        logprobs = self.reference.logprobs(
            self.prepared.policy,
            self.prepared.training_pass,
            [row.row for row in update.rows],
            temperature=self._temperature,
            tokens=self.micro_batch_tokens,
        )
        rows = tuple(replace(row, reference_logprobs=of_row) for row, of_row in zip(update.rows, logprobs, strict=True))
        return replace(update, rows=rows), mean_entropy

    def _halve_micro_batch(self, step: int, error: BaseException) -> None:
        whole = self.prepared.recipe.training.micro_batch_tokens
        if self.micro_batch_tokens < whole:
            raise InputError(
                f"memory ran out again with micro-batches of {self.micro_batch_tokens} tokens",
                where=f"step {step}",
                remedy="lower training.micro_batch_tokens or rollouts.batch_tokens, turn on model.gradient_checkpointing or "
                "model.lora, then go on with --resume",
            ) from error
        for optimiser in self.optimisers.values():
            optimiser.clear()
        self.micro_batch_tokens = whole // 2
        self.run.notice(
            step,
            "micro_batch_halved",
            f"Memory ran out; micro-batches now hold {self.micro_batch_tokens} tokens instead of {whole}. Results stay the "
            "same, steps take longer.",
        )
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _ask(self, problems: Any, samples: int, sampling: Any, step: int) -> Evaluated:
        return evaluate(
            self.prepared.collector,
            problems,
            samples=samples,
            sampling=sampling,
            seed=self.prepared.recipe.seed,
            step=step,
            policy_version=self.prepared.policy.version,
            watch=self.watch(step, "evaluate"),
        )

    def _watch_for_collapse(self, entropy: float | None) -> None:
        guard = self.prepared.recipe.stop_on_collapse
        if guard is not None and entropy is not None:
            self.collapsed_steps = self.collapsed_steps + 1 if entropy < guard.entropy_below else 0

    def live(self, step: int, phase: LivePhase, done: int, total: int) -> None:
        """Show what happens now."""
        self.run.live(step=step, phase=phase, done=done, total=total)

    def watch(self, step: int, phase: LivePhase) -> Any:
        """What a sampler calls while it writes: the newest picture for `live.json`."""
        begin, table = time.perf_counter(), self.prepared.collector.token_bytes

        def show(done: int, total: int, tokens: int, watched_ids: Sequence[int]) -> None:
            text = b"".join(table[token] for token in watched_ids).decode(errors="replace")
            seconds = time.perf_counter() - begin
            self.run.live(
                step=step,
                phase=phase,
                done=done,
                total=total,
                tokens_per_second=tokens / seconds if seconds > 0 else None,
                text=text,
            )

        return show


def step_line(step: int, steps: int, metrics: dict[str, float], seconds: dict[str, float]) -> str:
    """One line a step, for people."""
    shown = [f"step {step}/{steps}"]
    for name, label in (("reward/mean", "reward"), ("loss/total", "loss"), ("entropy/rollout", "entropy")):
        if name in metrics:
            shown.append(f"{label} {metrics[name]:.3f}")
    shown.append(f"{seconds['seconds/step']:.2f} s")
    return "  ".join(shown)

"""A training run between its steps: the state, and what a step is made of. `train.py` puts the parts in order."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch

from srft.engine.checkpoint import TrainerState
from srft.engine.update import UpdateResult
from srft.evaluation import Evaluated, evaluate
from srft.keeper import CheckpointKeeper
from srft.ledger import Ledger
from srft.maths.objectives import Update
from srft.methods import Phase
from srft.methods.method import Group, Method
from srft.metrics import step_metrics, trained_rows
from srft.preparation import Prepared, Say
from srft.probes import ask_probes
from srft.prompts import PromptSource
from srft.recorder import Recorder
from srft.rows import Kind, sample_seed
from srft.run_directory import Pass, RunDirectory
from srft.updater import Updater

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
    updater: Updater
    step: int = 0
    tokens: int = 0
    """Response tokens generated since the run began."""
    accuracy: float | None = None
    """Held-out greedy accuracy of the weights as they are, where it was measured."""
    collapsed_steps: int = 0
    ledger: Ledger = field(init=False, default_factory=Ledger)

    # ---------------------------------------------------------------- a step, in order

    def enter(self, step: int) -> Phase:
        """Seed what torch draws itself (dropout), and begin a new phase where one begins."""
        torch.manual_seed(sample_seed(self.prepared.recipe.seed, step, "torch", 0))
        phase = self.phase_of(step)
        if phase is not self.updater.phase:
            self.updater.begin(phase)
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
                f"{self.prepared.recipe.training.prompts_per_step} groups have right and wrong answers; the step goes "
                "on with them.",
            )
        with self.ledger.part("logprob"):
            kept = [replace(group, rows=self.updater.with_logprobs(group.rows)) for group in kept]
        self.tokens += sum(
            len(row.token_ids) - row.prefix_length
            for group in (*kept, *refused)
            for row in group.rows
            if row.kind is not Kind.DEMONSTRATION
        )
        return kept, refused

    def apply(self, update: Update, phase: Phase, step: int) -> UpdateResult:
        """S7: one update."""
        self.live(step, "train", 0, len(update.rows))
        result = self.updater.apply(update, phase, step, self.ledger)
        if result.applied:
            self.accuracy = None
        return result

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
        metrics["learning_rate"] = self.updater.rate(phase, step)
        with self.ledger.part("record"):
            self.recorder.record_step(step, [*groups, *refused], trained)
            self.run.flush()
        seconds = self.ledger.seconds()
        # The event that holds this ledger cannot hold the time of its own writing: that is the next step's.
        self.ledger.restart()
        generated = sum(
            len(row.token_ids) for group in groups for row in group.rows if row.kind is not Kind.DEMONSTRATION
        )
        if generated:
            metrics["tokens_per_second"] = generated / seconds["seconds/generate"]
        with self.ledger.part("record"):
            self.run.step(step, phase=phase.method.name, metrics={**metrics, **seconds}, tokens=self.tokens)
        self.step = step
        self._watch_for_collapse(metrics.get("entropy/rollout"))
        self.say(step_line(step, self.prepared.recipe.training.steps, metrics, seconds))

    # ---------------------------------------------------------------- beside the steps

    def evaluate(self, step: int) -> Evaluated | None:
        """Ask the held-out problems and the probes, where there are any."""
        config = self.prepared.recipe.evaluation
        if config is None:
            return None
        self.run.stage("asking the held-out problems")
        with self.ledger.part("evaluate"):
            result = self._ask(self.prepared.held_out, config.samples, config.sampling, step)
            self.recorder.record_evaluation(step, result.groups, config.sampling.temperature, Pass.EVALUATION)
            self._probe(step)
            self.run.evaluation(step, greedy=result.greedy, sampled=result.sampled, metrics=result.metrics)
        self.run.stage("training")
        self.accuracy = result.accuracy
        self.say(f"step {step}: held-out accuracy {result.accuracy:.3f}")
        return result

    def final_evaluation(self, checkpoint: Literal["last", "best"]) -> None:
        """Ask the set that chose nothing, with the weights as they are."""
        config = self.prepared.recipe.final_evaluation
        if config is None:
            return
        self.run.stage("final evaluation")
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
        self.run.stage("writing a checkpoint")
        with self.ledger.part("checkpoint"):
            self.keeper.write(step, self.prepared.policy, self.state(), self.accuracy)
        self.run.stage("training")

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

    def state(self) -> TrainerState:
        """What an exact resume needs beside the weights."""
        values: dict[str, Any] = {
            "step": self.step,
            "tokens": self.tokens,
            "cursor": self.source.cursor,
            "policy_version": self.prepared.policy.version,
            "accuracy": self.accuracy,
            "collapsed_steps": self.collapsed_steps,
            "micro_batch_halved": self.updater.micro_batch_halved,
            "micro_batch_tokens_of_recipe": self.prepared.recipe.training.micro_batch_tokens,
            "methods": [{"name": phase.method.name, "state": phase.method.state()} for phase in self.prepared.phases],
        }
        return TrainerState(tensors=self.updater.state(), values=values)

    def restore(self, state: TrainerState) -> None:
        """Take back what `state` gave; the weights are there already."""
        values = state.values
        self.step, self.tokens, self.source.cursor = values["step"], values["tokens"], values["cursor"]
        self.accuracy, self.collapsed_steps = values["accuracy"], values["collapsed_steps"]
        if values["micro_batch_tokens_of_recipe"] == self.prepared.recipe.training.micro_batch_tokens:
            self.updater.micro_batch_halved = values["micro_batch_halved"]
        self.prepared.policy.version = values["policy_version"]
        for phase, kept in zip(self.prepared.phases, values["methods"], strict=False):
            if kept["name"] == phase.method.name:  # A fork may have another method.
                phase.method.restore(kept["state"])
        self.updater.restore_masters(state.tensors)
        if self.step < self.prepared.recipe.training.steps:
            following = self.phase_of(self.step + 1)
            if following.first_step <= self.step:
                self.updater.begin(following)
                self.updater.restore_phase(state.tensors)

    # ---------------------------------------------------------------- private

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

    def _probe(self, step: int) -> None:
        """Ask the probes, where there are any; the next event acknowledges their rows."""
        config = self.prepared.recipe.probes
        if config is None:
            return
        groups = ask_probes(
            self.prepared.collector,
            self.prepared.probes,
            config,
            seed=self.prepared.recipe.seed,
            step=step,
            policy_version=self.prepared.policy.version,
            watch=self.watch(step, "evaluate"),
        )
        self.recorder.record_probes(step, groups, config.sampling.temperature)

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

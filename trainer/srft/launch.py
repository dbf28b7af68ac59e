"""Starting a run: new, resumed or forked; and ending it, whatever happens."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from srft.config import Recipe
from srft.controls import Controls
from srft.data.places import shown_path
from srft.engine.checkpoint import STATE_FOLDER, read_state
from srft.engine.out_of_memory import is_out_of_memory
from srft.engine.policy import load_policy
from srft.errors import InputError
from srft.evaluation import evaluate
from srft.keeper import CheckpointKeeper, checkpoint_steps
from srft.manifest import device_of, make_manifest, versions
from srft.preparation import Prepared, Say, prepared
from srft.prompts import PromptSource
from srft.recipe import LoadedRecipe
from srft.recorder import Recorder
from srft.resuming import recipe_of_run
from srft.run_directory import Layout, RunDirectory, WriterOptions
from srft.run_directory.fold import fold_run
from srft.run_directory.opening import refuse_occupied
from srft.run_directory.reader import read_manifest
from srft.session import Session
from srft.train import train
from srft.trainer_log import TrainerLog
from srft.updater import Updater
from srft.wire import EndReason, Parent

_FORK = re.compile(r"^(?P<run>.+)@(?P<step>\d+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """A checkpoint of another run."""

    run: Path
    step: int

    @staticmethod
    def parse(text: str, option: str = "--fork") -> Fork:
        """`RUN@STEP`, given as `option`."""
        match = _FORK.match(text)
        if match is None:
            raise InputError(f"{text!r} is no RUN@STEP", where=option, remedy="write for example runs/first@50")
        return Fork(run=Path(match["run"]), step=int(match["step"]))

    def checkpoint(self) -> Path:
        """Its folder. Raises `InputError` when there is none."""
        read_manifest(self.run)
        folder = Layout(self.run).checkpoint(self.step)
        if not folder.is_dir():
            found = ", ".join(map(str, checkpoint_steps(Layout(self.run).checkpoints))) or "none"
            raise InputError(
                f"there is no checkpoint of step {self.step}",
                where=shown_path(self.run),
                remedy=f"the run keeps these: {found}",
            )
        return folder


def run_new(loaded: LoadedRecipe, run_dir: Path, say: Say, fork: Fork | None = None) -> EndReason:
    """Train from the recipe's model, or from a checkpoint of another run."""
    refuse_occupied(Layout(run_dir))  # Before the minutes that a large model takes to load.
    checkpoint = None if fork is None else fork.checkpoint()
    if fork is not None and fork.step >= loaded.recipe.training.steps:
        raise InputError(
            f"the fork begins after step {fork.step}, but training.steps is {loaded.recipe.training.steps}",
            where=shown_path(loaded.path),
            remedy=f"set training.steps above {fork.step}",
        )
    with prepared(loaded, say, checkpoint) as ready:
        return run_prepared(ready, run_dir, say, fork)[1]


def run_prepared(ready: Prepared, run_dir: Path, say: Say, fork: Fork | None = None) -> tuple[Session, EndReason]:
    """Begin a run with what is prepared, and bring it to its end; returns the session as it stands then."""
    _make_deterministic(ready.recipe)
    parent = None
    if fork is not None:
        parent = Parent(run_id=read_manifest(fork.run)["run_id"], step=fork.step)
    manifest = make_manifest(ready, run_dir, parent)
    with (
        RunDirectory.create(run_dir, manifest, _writer_options(ready.recipe)) as run,
        TrainerLog(run.layout.log, say) as log,
    ):
        session = _session(ready, run, log, _starting_weights(ready))
        if fork is not None:
            _begin_as_fork(session, fork)
        return session, _run_to_end(session)


def run_resumed(
    run_dir: Path, given: LoadedRecipe | None, say: Say, memory: Sequence[tuple[str, str]] = ()
) -> EndReason:
    """Go on with a run from its newest acknowledged checkpoint; from the start where there is none.

    The recipe is the run's own; one that is given must say the same. `memory` are `--set` pairs of `MEMORY_KEYS`. A run
    that has finished is left as it is.
    """
    folded = fold_run(run_dir)
    loaded = recipe_of_run(run_dir, given, memory)
    if folded["end"] is not None and folded["end"]["kind"] == "finished":
        return EndReason(kind="finished", message="this run had reached its last step already; --fork goes on from it")
    layout = Layout(run_dir)
    steps = [step for step in folded["checkpoints"] if (layout.checkpoint(step) / STATE_FOLDER).is_dir()]
    from_step = max(steps, default=0)
    checkpoint = layout.checkpoint(from_step) if steps else None
    if folded["checkpoints"] and not steps:
        raise InputError(
            "none of the run's checkpoints has its trainer_state, so it cannot go on exactly",
            where=shown_path(layout.checkpoints),
            remedy=f"copy the run folder once more, or begin a new run with --fork RUN@{max(folded['checkpoints'])}",
        )
    with prepared(loaded, say, checkpoint) as ready:
        _make_deterministic(ready.recipe)
        with (
            RunDirectory.resume(
                run_dir,
                _writer_options(ready.recipe),
                from_step=from_step,
                device=device_of(ready.policy),
                versions=versions(),
            ) as run,
            TrainerLog(run.layout.log, say) as log,
        ):
            log(f"resuming after step {from_step}")
            session = _session(ready, run, log, _starting_weights(ready, resumed=checkpoint is not None))
            state = None if checkpoint is None else read_state(checkpoint)
            session.keeper.restore({} if state is None else state.values)
            if state is not None:
                session.restore(state)
            if memory:
                run.notice(from_step, "memory_settings", f"Resumed with {', '.join(f'{k}={v}' for k, v in memory)}.")
            return _run_to_end(session)


def evaluate_recipe(loaded: LoadedRecipe, checkpoint: Path | None, say: Say) -> dict[str, dict[str, dict]]:
    """The figures of `evaluation` and `final_evaluation`, with the recipe's model or a checkpoint; writes nothing."""
    figures: dict[str, dict[str, dict]] = {}
    with prepared(loaded, say, checkpoint) as ready:
        sets = [
            ("evaluation", ready.recipe.evaluation, ready.held_out),
            ("final_evaluation", ready.recipe.final_evaluation, ready.final),
        ]
        for name, config, problems in sets:
            if config is None:
                continue
            say(f"asking the {len(problems)} problems of {config.data.path}")
            result = evaluate(
                ready.collector,
                problems,
                samples=config.samples,
                sampling=config.sampling,
                seed=ready.recipe.seed,
                step=0,
                policy_version=0,
            )
            both = {**result.greedy, **(result.sampled or {})}
            figures[name] = {figure: interval.model_dump() for figure, interval in both.items()}
    if not figures:
        raise InputError(
            "the recipe names no problems to ask", where=shown_path(loaded.path), remedy="add `evaluation`"
        )
    return figures


def _session(ready: Prepared, run: RunDirectory, say: Say, starting_weights: dict[str, Tensor]) -> Session:
    evaluation = ready.recipe.evaluation
    return Session(
        prepared=ready,
        run=run,
        keeper=CheckpointKeeper(
            run=run,
            config=ready.recipe.checkpoint,
            chosen_on=None if evaluation is None else evaluation.data.path,
        ),
        recorder=Recorder(
            run=run, token_bytes=ready.collector.token_bytes, temperature=ready.recipe.rollouts.temperature
        ),
        source=PromptSource(ready.problems, ready.recipe.seed),
        say=say,
        updater=Updater(ready.recipe, ready.policy, ready.training_pass, run, starting_weights),
    )


def _begin_as_fork(session: Session, fork: Fork) -> None:
    """Go on counting where the parent stood; with its optimiser where the checkpoint still has it."""
    session.step = fork.step
    session.source.cursor = fork.step * session.prepared.recipe.training.prompts_per_step
    if (fork.checkpoint() / STATE_FOLDER).is_dir():
        session.restore(read_state(fork.checkpoint()))
    else:
        session.run.notice(
            fork.step,
            "fresh_optimiser",
            "The parent's checkpoint has no optimiser state (only a run's newest keeps it); AdamW begins anew.",
        )


def _run_to_end(session: Session) -> EndReason:
    controls = Controls(session.run, session.say)
    try:
        end = train(session, controls)
        if end.kind == "finished":
            _final_evaluations(session)
        session.run.end(end)
        return end
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise _out_of_memory(session) from error
    finally:
        controls.close()


def _out_of_memory(session: Session) -> InputError:
    """Where it was the training pass, its micro-batch was halved before; else rollouts took the memory."""
    if session.updater.micro_batch_halved:
        key, tokens = "training.micro_batch_tokens", session.updater.micro_batch_tokens
        other = " or with --set model.gradient_checkpointing=true"
    else:
        key, tokens = "rollouts.batch_tokens", session.prepared.recipe.rollouts.batch_tokens
        other = ""
    return InputError(
        f"memory ran out with {key} at {tokens}",
        where=f"step {session.step + 1}",
        remedy=f"go on with --resume and less at once, such as --set {key}={max(1, tokens // 4)},{other}".rstrip(","),
    )


def _final_evaluations(session: Session) -> None:
    """Of the last weights, and of the best checkpoint where that is another one."""
    if session.prepared.recipe.final_evaluation is None:
        return
    session.final_evaluation("last")
    best = session.keeper.best_step()
    if best is None or best == session.step:
        return
    weights = _checkpoint_weights(session.prepared, session.run.layout.checkpoint(best))
    with session.prepared.policy.with_weights(dict(weights)):
        session.final_evaluation("best")


def _starting_weights(ready: Prepared, *, resumed: bool = False) -> dict[str, Tensor]:
    """The weights of the run's first step, where a method compares with them."""
    if all(phase.method.needs.reference is None for phase in ready.phases):
        return {}
    if not resumed:
        return {name: parameter.detach().clone() for name, parameter in ready.policy.names.items()}
    return dict(_checkpoint_weights(ready, None))


def _checkpoint_weights(ready: Prepared, checkpoint: Path | None) -> Mapping[str, Tensor]:
    other = load_policy(
        ready.recipe.model,
        ready.base_dir,
        seed=ready.recipe.seed,
        where=shown_path(ready.loaded.path),
        checkpoint=checkpoint,
    )
    return {name: parameter.detach() for name, parameter in other.names.items()}


def _writer_options(recipe: Recipe) -> WriterOptions:
    return WriterOptions(steps=recipe.training.steps, seed=recipe.seed, recording=recipe.recording)


def _make_deterministic(recipe: Recipe) -> None:
    if recipe.deterministic:
        torch.use_deterministic_algorithms(True)

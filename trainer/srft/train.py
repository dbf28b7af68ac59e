"""The algorithm, from top to bottom. Each line of the loop is a stage of the trainer contract (docs/srft.md, S0 to S8).

The loop knows no method: a method composes groups and returns updates; the loop samples, judges, executes and records.
"""

from __future__ import annotations

from srft.controls import Controls, Stop
from srft.session import Session
from srft.wire import EndReason


def train(session: Session, controls: Controls) -> EndReason:
    """Run from the step after `session.step` to the end, to a stop, or to a collapse. Returns how it ended."""
    recipe = session.prepared.recipe
    session.run.state("running")
    session.run.stage("training")
    if session.step == 0:
        session.evaluate(0)
    for step in range(session.step + 1, recipe.training.steps + 1):
        phase = session.enter(step)

        # S0 to S3: prompts, a group of rollouts plus demonstration for each, rewards.
        groups, refused = session.collect(phase.method, step)

        # S4 to S6: advantages, token objectives, regularisers.
        updates = phase.method.updates(groups, step)

        # S7: log-probs and entropies, one division by Z, optimiser.
        results = [session.apply(update, phase, step) for update in updates]

        # S8: what follows the weights.
        session.updater.follow()

        session.record(step, phase, groups, refused, updates, results)
        if recipe.evaluation is not None and session.is_due(recipe.evaluation.every, step):
            session.evaluate(step)
        if session.is_due(recipe.checkpoint.every, step):
            session.checkpoint(step)
        if session.has_collapsed:
            session.checkpoint(step)
            return EndReason(kind="stopped_on_collapse", message=_collapse(session))
        stop = controls.obey(session)
        if stop is not None and step < recipe.training.steps:
            return _stopped(session, stop)
    return EndReason(kind="finished")


def _stopped(session: Session, stop: Stop) -> EndReason:
    if stop.checkpoint:
        session.checkpoint(session.step)
    return EndReason(kind="stopped", message=stop.message)


def _collapse(session: Session) -> str:
    guard = session.prepared.recipe.stop_on_collapse
    assert guard is not None
    return f"the entropy of own rollouts was below {guard.entropy_below} nats for {guard.steps} steps"

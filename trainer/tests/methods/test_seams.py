"""Three methods that live only here prove the seams: a second optimiser, a hybrid prefix, a moving reference.

The loop runs them as it runs SRFT: it knows none of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch

from srft.config import GrpoConfig, SftConfig
from srft.launch import run_prepared
from srft.maths.objectives import Term, Update, clipped_surrogate, kl_estimate, normaliser
from srft.methods import Phase
from srft.methods.groups import advantage_rows
from srft.methods.grpo import Grpo
from srft.methods.method import Composition, Group, MovingReference, Needs, Stateless
from srft.methods.settings import StepSettings
from srft.methods.sft import Sft
from srft.preparation import prepared
from srft.recipe import load_recipe
from srft.rows import Kind, TrainingRow
from srft.run_directory.fold import fold_run
from srft.run_directory.reader import read_record
from tests.loop.toy import make_toy

SETTINGS = StepSettings(updates_per_step=1, longest=12, correct_at=1.0)


@dataclass(slots=True)
class ReliftLike:
    """After ReLIFT (arXiv 2506.07527): RL, and an SFT pass by its own optimiser once enough prompts were hard."""

    batch: int = 3
    buffer: list[Group] = field(default_factory=list)
    popped: list[int] = field(default_factory=list)
    name: str = "relift"
    rl: Grpo = field(default_factory=lambda: Grpo(GrpoConfig(rollouts=2), SETTINGS))
    sft: Sft = field(default_factory=lambda: Sft(SftConfig(), SETTINGS))

    @property
    def needs(self) -> Needs:
        return Needs(demonstrations="required", optimisers=("policy", "sft"))

    def compose(self, problem, step):
        return Composition(rollouts=2, demonstrations=1)

    def keeps(self, group):
        return True

    def updates(self, groups, step):
        own = [replace(group, rows=group.rows[:-1]) for group in groups]
        updates = self.rl.updates(own, step)
        hard = [group for group in groups if not any(row.correct for row in group.rows[:-1])]
        self.buffer = [replace(group, rows=group.rows[-1:]) for group in hard] + self.buffer
        if len(self.buffer) >= self.batch:
            chosen, self.buffer = self.buffer[: self.batch], self.buffer[self.batch :]
            self.popped.append(len(chosen))
            updates += [replace(update, optimiser="sft") for update in self.sft.updates(chosen, step)]
        return updates

    def state(self):
        return {}

    def restore(self, state):
        pass


@dataclass(frozen=True, slots=True)
class PrefixLike(Stateless):
    """After Prefix-RFT (arXiv 2507.01679): a hybrid whose prefix tokens have another advantage, the surest none."""

    name: str = "prefix"

    @property
    def needs(self) -> Needs:
        return Needs(demonstrations="required")

    def compose(self, problem, step):
        return Composition(rollouts=2, prefix_lengths=(len(problem.demonstration_ids) // 2,))

    def updates(self, groups, step):
        rows = []
        for group in groups:
            plain = [row for row in group.rows if row.kind is Kind.ROLLOUT]
            mean = float(np.mean([row.reward for row in plain]))
            rows += [TrainingRow(row=row, advantage=row.reward - mean, mixed=True) for row in plain]
            for row in group.rows[len(plain) :]:
                advantage = np.full(len(row.token_ids), row.reward, dtype=np.float32)
                advantage[: row.prefix_length] = (row.reward - mean) / len(group.rows)
                rows.append(TrainingRow(row=row, advantage=advantage, mixed=True))
        terms = (
            Term(name="rl", per_token=self.surest_prefix_left_out, normaliser=normaliser("shared", "own_policy", 12)),
        )
        return [Update(rows=tuple(rows), terms=terms)]

    @staticmethod
    def surest_prefix_left_out(batch):
        certain_N = batch.origin_N & (batch.entropy_N.detach() < batch.row_entropy_B()[batch.row_N])
        return torch.where(certain_N, 0.0, -clipped_surrogate(batch, None, None))


@dataclass(frozen=True, slots=True)
class MovingReferenceGrpo(Stateless):
    """After T1 (arXiv 2501.11651): KL to an exponential moving average of the policy."""

    name: str = "moving"
    decay: float = 0.5

    @property
    def needs(self) -> Needs:
        return Needs(demonstrations="unused", reference=MovingReference(decay=self.decay))

    def compose(self, problem, step):
        return Composition(rollouts=2)

    def updates(self, groups, step):
        rows = tuple(row for group in groups for row in advantage_rows(group, divide_by_std=True))

        def estimate(batch):
            assert batch.reference_logprob_N is not None
            return kl_estimate(batch.logprob_N, batch.reference_logprob_N)

        kl = Term(
            name="kl",
            per_token=estimate,
            normaliser=normaliser("shared", "own_policy", 12),
        )
        rl = Term(
            name="rl",
            per_token=lambda batch: -clipped_surrogate(batch, None, None),
            normaliser=normaliser("shared", "own_policy", 12),
        )
        return [Update(rows=rows, terms=(rl, kl))]


@pytest.fixture
def run_method(tmp_path):
    """Run a method through the real loop; returns the session and the folded run."""

    def run(method, steps=4):
        recipe = make_toy(tmp_path)
        loaded = load_recipe(recipe, [("training.steps", str(steps)), ("evaluation", "null")])
        with prepared(loaded, lambda text: None) as ready:
            phase = Phase(method=method, first_step=1, last_step=steps, learning_rate=1e-2)
            session, _ = run_prepared(replace(ready, phases=[phase]), tmp_path / "run", lambda text: None)
        return session, fold_run(tmp_path / "run"), tmp_path / "run"

    return run


def test_a_second_optimiser_steps_alone(run_method):
    method = ReliftLike()
    session, folded, _ = run_method(method, steps=6)
    assert method.popped, "no prompt was hard enough, the test shows nothing"
    assert set(method.popped) == {method.batch}
    both = {name: optimiser.state() for name, optimiser in session.updater.optimisers.items()}
    steps = {
        name: max(float(value) for key, value in state.items() if key.startswith("step/"))
        for name, state in both.items()
    }
    assert steps == {"policy": 6, "sft": len(method.popped)}
    with_sft = [event for event in folded["steps"].values() if "loss/demo_sft" in event["metrics"]]
    assert len(with_sft) == len(method.popped)


def test_a_hybrid_keeps_its_prefix_apart(run_method):
    _, folded, run_dir = run_method(PrefixLike())
    hybrids = [row for event in folded["steps"].values() for row in event["rows"] if row["kind"] == "hybrid"]
    assert hybrids
    for row in hybrids:
        columns = read_record(run_dir, row["address"]).values
        prefix = columns["origin"].astype(bool)
        assert 0 < prefix.sum() < len(prefix)
        assert np.isnan(columns["logprob"][prefix]).all()
        assert np.isfinite(columns["logprob"][~prefix]).all()
        assert len(set(columns["advantage"][~prefix].tolist())) == 1
    left_out = [read_record(run_dir, row["address"]).values for row in hybrids]
    assert any((columns["pull/rl"][columns["origin"] == 1] == 0).any() for columns in left_out)


def test_a_reference_follows_the_policy(run_method):
    session, folded, _ = run_method(MovingReferenceGrpo(), steps=3)
    kl = [event["metrics"]["loss/kl"] for event in folded["steps"].values()]
    assert kl[0] == pytest.approx(0, abs=1e-6)
    assert kl[-1] > 1e-6
    weights = session.updater.reference.state()
    start = session.updater._starting_weights
    now = {name: parameter.detach() for name, parameter in session.prepared.policy.names.items()}
    assert any(not torch.equal(weights[name], start[name]) for name in weights)
    assert any(not torch.equal(weights[name], now[name]) for name in weights)

"""T8: loss and gradient do not depend on micro-batches, on the order of rows or on the number of ranks."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from srft.config import GrpoConfig, LuffyConfig, SftConfig, SrftConfig, resolve_srft
from srft.engine.update import count, differentiate, token_batch
from srft.methods.grpo import Grpo
from srft.methods.luffy import Luffy
from srft.methods.method import Method
from srft.methods.settings import StepSettings
from srft.methods.sft import Sft
from srft.methods.srft import Srft
from tests.methods.updates import execute, make_groups

TRAINER = Path(__file__).resolve().parents[2]
SETTINGS = StepSettings(updates_per_step=1, longest=12, correct_at=1.0)


def srft(**knobs) -> Method:
    return Srft(resolve_srft(SrftConfig(**knobs)), SETTINGS)


METHODS: dict[str, Method] = {
    "srft stable": srft(preset="stable"),
    "srft paper": srft(preset="paper"),
    "srft paper_literal": srft(preset="paper_literal"),
    "srft constant": srft(denominator="constant"),
    "srft sequence_mean": srft(denominator="sequence_mean", entropy_scope="token"),
    "sft": Sft(SftConfig(entropy_bonus=0.01), SETTINGS),
    "grpo": Grpo(GrpoConfig(), SETTINGS),
    "dapo": Grpo(GrpoConfig(clip_high=0.28, denominator="shared", advantage_std=False), SETTINGS),
    "dr grpo": Grpo(GrpoConfig(denominator="constant", advantage_std=False), SETTINGS),
    "luffy": Luffy(LuffyConfig(), SETTINGS),
}


def update_of(method: Method, seed: int = 0):
    groups = make_groups(seed=seed)
    if method.name == "sft":
        groups = [replace(group, rows=group.rows[-1:]) for group in groups]
    elif method.name == "grpo":
        groups = [replace(group, rows=group.rows[:-1]) for group in groups]
    (update,) = method.updates(groups, step=1)
    return update


def check_equal(mine, other):
    (result, gradient), (other_result, other_gradient) = mine, other
    assert result.losses == pytest.approx(other_result.losses, rel=1e-4, abs=1e-6)
    assert gradient.keys() == other_gradient.keys()
    for name in gradient:
        torch.testing.assert_close(gradient[name], other_gradient[name], rtol=1e-3, atol=2e-6)


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=4)
@given(seed=st.integers(0, 1000), tokens=st.sampled_from([1, 40, 80]), order=st.randoms(use_true_random=False))
def test_packing_and_order_change_nothing(name, seed, tokens, order):
    update = update_of(METHODS[name], seed)
    rows = list(update.rows)
    order.shuffle(rows)
    check_equal(execute(replace(update, rows=tuple(rows)), micro_batch_tokens=tokens), execute(update))


@pytest.mark.parametrize("preset", ["hpt", "released"])
def test_the_released_denominators_depend_on_the_packing_by_definition(preset):
    update = update_of(srft(preset=preset))
    whole, _ = execute(update)
    cut, _ = execute(update, micro_batch_tokens=1)
    assert cut.losses["demo_sft"] != pytest.approx(whole.losses["demo_sft"], rel=1e-3)


def test_two_ranks_are_one(tmp_path):
    """Rows dealt out to two gloo processes: the same sums, the same gradients."""
    names = ["srft stable", "srft paper_literal", "grpo"]
    processes = [
        subprocess.Popen(
            [sys.executable, str(TRAINER / "tests" / "methods" / "one_rank.py"), str(rank), str(tmp_path), *names],
            cwd=TRAINER,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(TRAINER), "GLOO_SOCKET_IFNAME": "lo"},
        )
        for rank in range(2)
    ]
    assert [process.wait(240) for process in processes] == [0, 0]
    for name in names:
        alone, gradient = execute(update_of(METHODS[name]))
        for rank in range(2):
            found = load_file(tmp_path / f"{name}-{rank}.safetensors")
            for loss, value in alone.losses.items():
                assert found[f"loss/{loss}"].item() == pytest.approx(value, rel=1e-4, abs=1e-6)
            for parameter, expected in gradient.items():
                torch.testing.assert_close(found[parameter], expected, rtol=1e-3, atol=2e-6)


def test_doubling_a_length_doubles_its_share_under_a_constant_denominator():
    """Dr.GRPO (arXiv 2503.20783)."""
    update = update_of(METHODS["dr grpo"])
    row = next(row for row in update.rows if np.ndim(row.advantage) == 0 and row.advantage != 0)

    def mass(tokens: int) -> float:
        longer = replace(row.row, token_ids=np.zeros(tokens, np.int32), logprobs=None)
        result, _ = execute(replace(update, rows=(replace(row, row=longer),)))
        return float(np.abs(result.figures[0].pulls["self_rl"]).sum())

    assert mass(8) == pytest.approx(2 * mass(4), rel=1e-5)


@pytest.mark.parametrize(
    ("ratio", "advantage", "moves"),
    [(1.3, 1.0, False), (0.7, -1.0, False), (0.7, 1.0, True), (1.3, -1.0, True), (1.1, 1.0, True)],
)
def test_clip_cases(ratio, advantage, moves):
    """GRPO (arXiv 2402.03300): nothing pulls where the ratio has gone far enough already."""
    update = update_of(METHODS["grpo"])
    row = update.rows[0]
    result, _ = execute(replace(update, rows=(row,)))
    sampled = result.figures[0].logprobs - np.log(ratio).astype(np.float32)
    moved = replace(row, row=replace(row.row, logprobs=sampled), advantage=advantage)
    again, _ = execute(replace(update, rows=(moved,)))
    assert bool(np.abs(again.figures[0].pulls["self_rl"]).sum() > 0) is moves


def test_t9_the_pull_is_what_reaches_the_model():
    """Pulls over Z, summed over terms, are the derivative of the loss: scaling all tokens' log-probs shows it."""
    update = update_of(METHODS["srft stable"])
    result, _ = execute(update)
    tokens = sum(len(row.row.token_ids) for row in update.rows)
    epsilon = 1e-3
    expected = 0.0
    for figures in result.figures:
        expected += sum(float(pull.sum()) for pull in figures.pulls.values())
    # d loss / d (all log-probs shifted by epsilon) = -sum of pulls / Z, by definition of the shared denominator.
    logprobs = torch.tensor(np.concatenate([figures.logprobs for figures in result.figures]), dtype=torch.float64)
    entropies = torch.tensor(np.concatenate([figures.entropies for figures in result.figures]), dtype=torch.float64)
    rows_N = torch.repeat_interleave(
        torch.arange(len(update.rows)), torch.tensor([len(row.row.token_ids) for row in update.rows])
    )

    def loss(shift: float) -> float:
        batch = token_batch(update.rows, logprobs, entropies, rows_N, None)
        moved = replace(batch, logprob_N=(logprobs + shift).requires_grad_())
        parts = differentiate(update.terms, moved, count(update.rows), count(update.rows)).losses
        return sum(value.item() for value in parts.values())

    slope = (loss(epsilon) - loss(-epsilon)) / (2 * epsilon)
    assert slope == pytest.approx(-expected / tokens, rel=1e-3)

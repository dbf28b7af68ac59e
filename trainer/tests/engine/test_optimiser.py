"""AdamW over float32 masters: equal to torch's, untouched by NaN, infinity and large gradients, exact over a resume."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from srft.config import OptimiserConfig
from srft.engine.optimiser import Optimiser, learning_rate, master_weights

RATE = 1e-2


def parameters(dtype: torch.dtype = torch.float32) -> dict[str, nn.Parameter]:
    torch.manual_seed(3)
    return {"matrix": nn.Parameter(torch.randn(4, 3).to(dtype)), "bias": nn.Parameter(torch.randn(3).to(dtype))}


def optimiser_of(named: dict[str, nn.Parameter], **config) -> Optimiser:
    return Optimiser(named, master_weights(named), OptimiserConfig(**config))


def backward(named: dict[str, nn.Parameter], seed: int, scale: float = 1.0) -> None:
    """A gradient that depends on the seed and the weights."""
    inputs_NI = torch.randn(5, 4, generator=torch.Generator().manual_seed(seed))
    outputs = inputs_NI.to(named["matrix"].dtype) @ named["matrix"] + named["bias"]
    (scale * outputs.pow(2).mean()).backward()


def values(named: dict[str, nn.Parameter]) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in named.items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("clip", [None, 0.1, 100.0])
def test_equal_to_torch(clip):
    mine, theirs = parameters(), parameters()
    optimiser = optimiser_of(mine, weight_decay=0.1, clip=clip)
    groups = [
        {"params": [theirs["matrix"]], "weight_decay": 0.1},
        {"params": [theirs["bias"]], "weight_decay": 0.0},
    ]
    reference = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.95), eps=1e-8)
    for seed in range(5):
        backward(mine, seed)
        optimiser.gather()
        outcome = optimiser.step(RATE)
        backward(theirs, seed)
        norm = nn.utils.clip_grad_norm_(theirs.values(), math.inf if clip is None else clip)
        reference.step()
        reference.zero_grad()
        assert outcome.applied
        assert outcome.gradient_norm == pytest.approx(float(norm), rel=1e-6)
    for name, parameter in mine.items():
        torch.testing.assert_close(parameter, theirs[name], rtol=1e-6, atol=1e-7)


def test_gradients_of_several_passes_add_up():
    once, twice = parameters(), parameters()
    for named, scales in ((once, [3.0]), (twice, [1.0, 2.0])):
        optimiser = optimiser_of(named)
        for scale in scales:
            backward(named, 0, scale)
            optimiser.gather()
            assert all(parameter.grad is None for parameter in named.values())
        optimiser.step(RATE)
    for name, parameter in once.items():
        torch.testing.assert_close(parameter, twice[name], rtol=1e-6, atol=1e-7)


def test_small_updates_of_bfloat16_weights_are_not_lost():
    named = {"matrix": nn.Parameter(torch.full((2, 2), 100.0, dtype=torch.bfloat16))}
    optimiser = optimiser_of(named)
    for _ in range(100):
        named["matrix"].grad = torch.ones(2, 2, dtype=torch.bfloat16)
        optimiser.gather()
        optimiser.step(RATE)
    assert float(named["matrix"][0, 0].detach()) == pytest.approx(99.0, abs=0.5)


BAD = {
    "NaN": lambda gradient: gradient.fill_(math.nan),
    "infinity": lambda gradient: gradient.fill_(math.inf),
    "one infinite value": lambda gradient: gradient.view(-1)[0].fill_(-math.inf),
    "an overflowing norm": lambda gradient: gradient.fill_(3e38),
    "above skip_above": lambda gradient: gradient.mul_(1e4),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_gradient_leaves_weights_and_moments_as_they_were(bad):
    named = parameters()
    optimiser = optimiser_of(named, skip_above=50.0)
    backward(named, 0)
    optimiser.gather()
    optimiser.step(RATE)
    before, state = values(named), optimiser.state()
    backward(named, 1)
    BAD[bad](named["matrix"].grad)
    optimiser.gather()
    outcome = optimiser.step(RATE)
    assert not outcome.applied
    assert math.isfinite(outcome.gradient_norm) is (bad == "above skip_above")
    assert same(values(named), before)
    assert same(optimiser.state(), state)

    never = parameters()
    other = optimiser_of(never, skip_above=50.0)
    for seed in (0, 2):
        backward(never, seed)
        other.gather()
        other.step(RATE)
    backward(named, 2)
    optimiser.gather()
    optimiser.step(RATE)
    assert same(values(named), values(never)), "as if the bad gradient had not been"


def test_no_gradient_at_all_is_no_step():
    named = parameters()
    optimiser, before = optimiser_of(named, weight_decay=0.5), values(named)
    assert not optimiser.step(RATE).applied
    assert same(values(named), before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_resumed_optimiser_goes_on_to_the_bit(dtype):
    whole = parameters(dtype)
    masters = master_weights(whole)
    optimiser = Optimiser(whole, masters, OptimiserConfig())
    for seed in range(3):
        backward(whole, seed)
        optimiser.gather()
        optimiser.step(RATE)
    resumed = {name: nn.Parameter(parameter.detach().clone()) for name, parameter in whole.items()}
    resumed_masters = master_weights(resumed)
    with torch.no_grad():
        for name, master in resumed_masters.items():
            master.copy_(masters[name])
    later = Optimiser(resumed, resumed_masters, OptimiserConfig())
    later.restore(optimiser.state())
    for named, its in ((whole, optimiser), (resumed, later)):
        for seed in range(3, 6):
            backward(named, seed)
            its.gather()
            its.step(RATE)
    assert same(values(whole), values(resumed))


@pytest.mark.parametrize(
    ("schedule", "warmup", "expected"),
    [
        ("constant", 0, [1.0, 1.0, 1.0, 1.0, 1.0]),
        ("constant", 2, [0.5, 1.0, 1.0, 1.0, 1.0]),
        ("linear", 0, [0.82, 0.64, 0.46, 0.28, 0.1]),
        ("linear", 1, [1.0, 0.775, 0.55, 0.325, 0.1]),
        ("cosine", 1, [1.0, 0.1 + 0.9 * (2 + 2**0.5) / 4, 0.55, 0.1 + 0.9 * (2 - 2**0.5) / 4, 0.1]),
        ("cosine", 5, [0.2, 0.4, 0.6, 0.8, 1.0]),
    ],
)
def test_the_learning_rate_of_each_step(schedule, warmup, expected):
    config = OptimiserConfig(schedule=schedule, warmup_steps=warmup, final_ratio=0.1)
    rates = [learning_rate(config, peak=2.0, step=step, steps=5) for step in range(1, 6)]
    assert rates == pytest.approx([2.0 * share for share in expected])

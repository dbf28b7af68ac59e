"""Golden numbers of SRFT and its baselines, T1 to T11, each printed digit."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from srft.config import SrftConfig, resolve_srft
from srft.maths.advantages import group_advantages
from srft.maths.entropy_weights import entropy_weight
from srft.maths.objectives import shaped
from srft.maths.tokens import Counts, TokenBatch
from srft.methods.srft import rl_weight, sft_weight, srft_terms


def check_close(actual, expected, digits=6):
    np.testing.assert_allclose(
        np.asarray(actual, dtype=float), np.asarray(expected, dtype=float), atol=0.51 * 10**-digits
    )


@pytest.mark.parametrize(
    ("entropy", "w_sft", "w_rl"),
    [
        (0.0, 0.5, 0.1),
        (0.1, 0.452419, 0.110517),
        (0.2, 0.409365, 0.122140),
        (0.5, 0.303265, 0.164872),
        (1.0, 0.183940, 0.271828),
        (2.0, 0.067668, 0.738906),
    ],
)
def test_t1_weights(entropy, w_sft, w_rl):
    H = torch.tensor(entropy, dtype=torch.float64)
    check_close(entropy_weight(H, scale=0.5, sign=-1), w_sft)
    check_close(entropy_weight(H, scale=0.1, sign=1), w_rl)


def test_t1_released_sign():
    check_close(entropy_weight(torch.tensor(1.0, dtype=torch.float64), scale=0.5, sign=1), 1.359141)


@pytest.mark.parametrize(
    ("rewards", "std", "expected"),
    [
        # T2: two right rollouts, a right demonstration last
        ([1, 1, 0, 0, 0, 0, 0, 1], True, [1.207612] * 2 + [-0.724567] * 5 + [1.207612]),
        ([1, 1, 0, 0, 0, 0, 0, 1], False, [0.625] * 2 + [-0.375] * 5 + [0.625]),
        # T3: only the demonstration is right
        ([0, 0, 0, 0, 0, 0, 0, 1], True, [-0.353552] * 7 + [2.474867]),
        # T4: all alike
        ([1] * 8, True, [0.0] * 8),
        ([0] * 8, True, [0.0] * 8),
        ([0] * 8, False, [0.0] * 8),
    ],
)
def test_t2_t3_t4_advantages(rewards, std, expected):
    check_close(group_advantages(rewards, divide_by_std=std), expected)


@pytest.mark.parametrize(
    ("p", "f", "slope"),
    [
        (0.01, 0.090909, 0.082645),
        (0.05, 0.333333, 0.222222),
        (0.1, 0.5, 0.25),
        (0.3, 0.75, 0.1875),
        (0.5, 0.833333, 0.138889),
        (0.9, 0.9, 0.09),
        (1.0, 0.909091, 0.082645),
    ],
)
def test_t5_shaping(p, f, slope):
    logprob = torch.tensor([math.log(p)], dtype=torch.float64, requires_grad=True)
    value = shaped(logprob, 0.1)
    check_close(value.item(), f)
    (gradient,) = torch.autograd.grad(shaped(logprob, 0.1).sum(), logprob)
    check_close(gradient.item(), slope)


# ---------------------------------------------------------------- T11: V = 5, four sequences, the last a demonstration

LENGTHS = [3, 4, 2, 4]
REWARDS = [1.0, 0.0, 0.0, 1.0]
LONGEST = 4


def t11_logits():
    return torch.tensor(
        [[[2 * math.sin(1 + 3 * i + 5 * t + 7 * v) for v in range(5)] for t in range(LONGEST)] for i in range(4)],
        dtype=torch.float64,
        requires_grad=True,
    )


def t11_batch(logits, advantages, rows=(0, 1, 2, 3), old_shift=0.0):
    """The token batch of some of the four sequences, differentiable down to the logits."""
    places = [(b, i, t) for b, i in enumerate(rows) for t in range(LENGTHS[i])]
    logprobs = logits.log_softmax(-1)
    entropy = -(logprobs.exp() * logprobs).sum(-1)
    logprob_N = torch.stack([logprobs[i, t, (i + 2 * t) % 5] for _, i, t in places])
    row_N = torch.tensor([b for b, _, _ in places])
    return TokenBatch(
        logprob_N=logprob_N,
        entropy_N=torch.stack([entropy[i, t] for _, i, t in places]),
        row_N=row_N,
        old_logprob_N=logprob_N.detach() + old_shift,
        reference_logprob_N=None,
        origin_N=torch.tensor([i == 3 for _, i, _ in places]),
        advantage_N=torch.tensor([advantages[i] for _, i, _ in places], dtype=torch.float64),
        demo_B=torch.tensor([i == 3 for i in rows]),
        correct_B=torch.tensor([REWARDS[i] == 1 for i in rows]),
        mixed_B=torch.ones(len(rows), dtype=torch.bool),
        truncated_B=torch.zeros(len(rows), dtype=torch.bool),
        length_B=torch.tensor([float(LENGTHS[i]) for i in rows], dtype=torch.float64),
        mean_entropy=None,
    )


COUNTS = Counts(rows=4, demo_rows=1, tokens=13, demo_tokens=4)


def t11_loss(batch, config, counts=COUNTS):
    terms = srft_terms(config, longest=LONGEST)
    values = {
        term.name: term.summand_N(batch).sum() / term.normaliser.z(counts, counts)
        for term in terms
        if term.normaliser.z(counts, counts)
    }
    return values, sum(values.values())


def t11(preset, **knobs):
    config = resolve_srft(SrftConfig(preset=preset, **knobs))
    logits = t11_logits()
    batch = t11_batch(logits, group_advantages(REWARDS, divide_by_std=config.advantage_std))
    values, total = t11_loss(batch, config)
    total.backward()
    return config, batch, {name: value.item() for name, value in values.items()}, total.item(), logits.grad


def test_t11_values_before_the_loss():
    config, batch, *_ = t11("paper")
    rollouts = [-1.181193, -1.105310, -0.471317, -3.472069, -3.211869, -0.719145, -0.947318, -1.241541, -1.406403]
    demonstration = [-1.873195, -0.356911, -1.763474, -2.148999]
    check_close(batch.logprob_N.detach(), [*rollouts, *demonstration])
    check_close(batch.row_entropy_B(), [1.211297, 1.141273, 1.341734, 1.177157])
    check_close(sft_weight(config, batch)[-1], 0.154077)
    check_close(rl_weight(config, batch)[0], 0.335784)
    check_close(group_advantages(REWARDS, divide_by_std=True), [0.866024, -0.866024, -0.866024, 0.866024])
    check_close(group_advantages(REWARDS, divide_by_std=False), [0.5, -0.5, -0.5, 0.5])


def test_t11_paper():
    _, _, values, total, gradient = t11("paper", entropy_bonus=0.0)
    check_close(
        [values["demo_sft"], values["demo_rl"], values["self_rl"], total], [0.072802, -0.176578, -0.774793, -0.878569]
    )
    check_close(gradient.norm(), 0.186254)
    check_close(gradient[0, 0], [-0.017902, 0.010656, 0.005408, 0.001447, 0.000391])
    check_close(gradient[1, 3], [-0.005449, -0.018556, 0.047094, -0.017920, -0.005170])
    check_close(gradient[3, 0], [0.003224, 0.001399, 0.001564, -0.023497, 0.017310])


def test_t11_hpt():
    _, batch, values, total, gradient = t11("hpt")
    check_close([values["demo_sft"], values["demo_rl"], values["self_rl"]], [0.236607, -0.331329, -2.518079])
    check_close(batch.entropy_N.detach().mean(), 1.199314)
    check_close(total, -2.613999)
    check_close(gradient.norm(), 0.596010)


def test_t11_released():
    _, _, values, total, gradient = t11("released")
    check_close([values["demo_sft"], values["demo_rl"], values["self_rl"]], [2.697103, -0.331329, 0.622144])
    check_close(total, 2.986719)
    check_close(gradient.norm(), 0.900332)


def test_t4_self_term_of_a_uniform_group_lives_in_signed_modes_and_dies_in_adv_ratio():
    advantages = group_advantages([1, 1, 1, 1], divide_by_std=True)
    for config, lives in [
        (SrftConfig(self_term="signed_logp"), True),
        (SrftConfig(self_term="signed_ratio"), True),
        (SrftConfig(self_term="adv_ratio"), False),
    ]:
        values, _ = t11_loss(t11_batch(t11_logits(), advantages), resolve_srft(config))
        assert torch.isfinite(values["self_rl"])
        assert (values["self_rl"].item() != 0) is lives


def test_t7_signed_logp_and_signed_ratio_have_equal_gradients_where_nothing_moved():
    gradients = [t11("stable", self_term=mode)[-1] for mode in ("signed_logp", "signed_ratio")]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("preset", ["stable", "paper", "paper_literal", "released", "hpt"])
@pytest.mark.parametrize("rows", [(0, 1, 2), (1, 2), (3,)])
def test_t10_no_demonstration_no_right_rollout_only_a_demonstration(preset, rows):
    config = resolve_srft(SrftConfig(preset=preset))
    logits = t11_logits()
    tokens = sum(LENGTHS[i] for i in rows)
    counts = Counts(rows=len(rows), demo_rows=int(3 in rows), tokens=tokens, demo_tokens=4 if 3 in rows else 0)
    batch = t11_batch(logits, [0.0] * 4, rows=rows)
    _, total = t11_loss(batch, config, counts)
    total.backward()
    assert torch.isfinite(total)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("scope", ["token", "sequence"])
def test_t6_no_gradient_flows_through_the_weights(scope):
    """The entropy leaf is reached by the bonus alone: without it, dL/dH is 0."""
    config = resolve_srft(SrftConfig(entropy_scope=scope, entropy_bonus=0.0))
    batch = t11_batch(t11_logits(), [0.5, -0.5, -0.5, 0.5])
    leaves = {name: getattr(batch, name).detach().requires_grad_() for name in ("logprob_N", "entropy_N")}
    _, total = t11_loss(replace(batch, **leaves), config)
    gradient_l, gradient_H = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    assert gradient_H is None or not gradient_H.any()
    assert gradient_l.any()

"""How one token is drawn from logits: temperature, filters, random numbers that depend on nothing but seed and
position.

The distribution whose log-prob and entropy are kept is softmax(logits / temperature). The token is drawn from it after
the filters, which act in the order of transformers' `generate`: temperature, top-k, top-p, min-p. A row with
temperature 0 is greedy: the likeliest token, with log-prob and entropy of softmax(logits).

B rows, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from srft.rows import Request

# Vocabularies larger than this are summed in blocks of that many tokens, so that only the block sums and one block a
# row need the precision of float64.
BLOCK_TOKENS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of all requests of a call, one entry a request (R)."""

    seed_R: np.ndarray
    temperature_R: np.ndarray
    top_k_R: np.ndarray
    top_p_R: np.ndarray
    min_p_R: np.ndarray
    filtered_R: np.ndarray
    greedy_R: np.ndarray

    @staticmethod
    def of(requests: Sequence[Request]) -> Settings:
        """Column by column."""
        settings = [request.settings for request in requests]
        top_k_R = np.array([each.top_k for each in settings], dtype=np.int64)
        top_p_R = np.array([each.top_p for each in settings], dtype=np.float64)
        min_p_R = np.array([each.min_p for each in settings], dtype=np.float64)
        temperature_R = np.array([each.temperature for each in settings], dtype=np.float64)
        greedy_R = temperature_R == 0
        return Settings(
            seed_R=np.array([request.seed for request in requests], dtype=np.uint64),
            temperature_R=np.where(greedy_R, 1.0, temperature_R),
            top_k_R=top_k_R,
            top_p_R=top_p_R,
            min_p_R=min_p_R,
            filtered_R=((top_k_R > 0) | (top_p_R < 1) | (min_p_R > 0)) & ~greedy_R,
            greedy_R=greedy_R,
        )


def choose(logits_BV: Tensor, settings: Settings, row_B: np.ndarray, position_B: np.ndarray) -> Tensor:
    """[3, B] float32: the token (exact below 2**24), its log-prob and the entropy in nats.

    `row_B` says which entry of `settings` a row has, `position_B` the number of tokens it has written before.
    """
    logits_BV = logits_BV.float()
    temperature_B = settings.temperature_R[row_B]
    if (temperature_B == temperature_B[0]).all():
        scaled_BV = logits_BV if temperature_B[0] == 1 else logits_BV / float(temperature_B[0])
    else:
        scaled_BV = logits_BV / torch.from_numpy(temperature_B).to(logits_BV)[:, None]
    logprob_BV = torch.log_softmax(scaled_BV, dim=-1)
    prob_BV = logprob_BV.exp()

    greedy_B = settings.greedy_R[row_B]
    if greedy_B.all():
        token_B = logits_BV.argmax(dim=-1)
    else:
        kept_BV = prob_BV
        filtered_B = settings.filtered_R[row_B]
        if filtered_B.any():
            kept_BV = _filter(prob_BV, settings, row_B, filtered_B)
        token_B = draw(kept_BV, uniform(settings.seed_R[row_B], position_B))
        if greedy_B.any():
            token_B = torch.where(_tensor(greedy_B, logits_BV), logits_BV.argmax(dim=-1), token_B)

    logprob_B = logprob_BV.gather(1, token_B[:, None])[:, 0]
    # A probability of 0 times a log-prob of minus infinity is 0 here.
    entropy_B = -torch.linalg.vecdot(prob_BV, logprob_BV.clamp_(min=torch.finfo(torch.float32).min))
    return torch.stack([token_B.float(), logprob_B, entropy_B])


def draw(weight_BV: Tensor, uniform_B: np.ndarray) -> Tensor:
    """[B] the token at which the running sum of the (unnormalised) weights passes uniform * total: the inverse CDF.

    A token of weight 0 is never drawn. Sums run in float64 where the device has it.
    """
    exact = torch.float32 if weight_BV.device.type == "mps" else torch.float64
    # The largest uniform is 1 - 2**-53 (2**-24 in float32): its product with a total always stays below the total.
    uniform_B1 = torch.from_numpy(uniform_B).to(dtype=exact, device=weight_BV.device)[:, None]
    uniform_B1.clamp_(max=1 - torch.finfo(exact).eps / 2)
    vocabulary = weight_BV.shape[1]
    if vocabulary <= BLOCK_TOKENS:
        return _search(weight_BV.to(exact).cumsum(dim=-1), uniform_B1)[:, 0]
    padding = -vocabulary % BLOCK_TOKENS
    weight_BNK = torch.nn.functional.pad(weight_BV, (0, padding)).unflatten(1, (-1, BLOCK_TOKENS))
    mass_BN = weight_BNK.sum(dim=-1, dtype=exact)
    sum_BN = mass_BN.cumsum(dim=-1)
    block_B1 = _search(sum_BN, uniform_B1)
    mass_B1 = mass_BN.gather(1, block_B1)
    within_B1 = uniform_B1 * sum_BN[:, -1:] - (sum_BN.gather(1, block_B1) - mass_B1)
    within_B1 = (within_B1 / mass_B1).clamp_(0, 1 - torch.finfo(exact).eps / 2)
    weight_BK = weight_BNK.gather(1, block_B1[:, :, None].expand(-1, -1, BLOCK_TOKENS))[:, 0]
    inner_B1 = _search(weight_BK.to(exact).cumsum(dim=-1), within_B1)
    return (block_B1 * BLOCK_TOKENS + inner_B1)[:, 0]


def uniform(seed_B: np.ndarray, position_B: np.ndarray) -> np.ndarray:
    """[B] float64 in [0, 1), 53 random bits from (seed, position): SplitMix64 (Steele, Lea, Flood 2014), two rounds."""
    with np.errstate(over="ignore"):
        state = _splitmix(seed_B) + (position_B.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        return (_splitmix(state) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _splitmix(z: np.ndarray) -> np.ndarray:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _search(sum_BN: Tensor, uniform_B1: Tensor) -> Tensor:
    """[B, 1] the first entry whose running sum exceeds uniform * total: it has weight, since the sum grew there."""
    index_B1 = torch.searchsorted(sum_BN, uniform_B1 * sum_BN[:, -1:], right=True)
    return index_B1.clamp_(max=sum_BN.shape[1] - 1)


def _filter(prob_BV: Tensor, settings: Settings, row_B: np.ndarray, filtered_B: np.ndarray) -> Tensor:
    """prob_BV with 0 for the tokens that the rows' filters drop; the inverse CDF needs no renormalising."""
    rows_F = torch.from_numpy(np.flatnonzero(filtered_B)).to(prob_BV.device)
    row_F = row_B[filtered_B]
    every_row = bool(filtered_B.all())
    prob_FV = prob_BV if every_row else prob_BV[rows_F]
    top_k_F, top_p_F, min_p_F = settings.top_k_R[row_F], settings.top_p_R[row_F], settings.min_p_R[row_F]

    keep_FV = torch.ones_like(prob_FV, dtype=torch.bool)
    if (min_p_F > 0).any():
        # The likeliest token passes top-k and top-p, so this test does not depend on them.
        keep_FV &= prob_FV >= _tensor(min_p_F, prob_FV)[:, None] * prob_FV.amax(dim=-1, keepdim=True)
    if (top_k_F > 0).any() or (top_p_F < 1).any():
        sorted_FV, order_FV = prob_FV.sort(dim=-1, descending=True, stable=True)
        last_F = np.where(top_k_F > 0, np.minimum(top_k_F, prob_FV.shape[1]), prob_FV.shape[1]) - 1
        threshold_F1 = sorted_FV.gather(1, torch.from_numpy(last_F).to(prob_FV.device)[:, None])
        top_FV = torch.where(sorted_FV >= threshold_F1, sorted_FV, 0.0)
        exact_FV = top_FV if prob_FV.device.type == "mps" else top_FV.double()
        sum_FV = exact_FV.cumsum(dim=-1)
        before_FV = sum_FV - exact_FV
        allowed_F1 = _tensor(top_p_F, exact_FV)[:, None] * sum_FV[:, -1:]
        # top_p = 1 keeps all, whatever rounding says; the likeliest token always stays.
        keep_sorted_FV = (top_FV > 0) & ((before_FV < allowed_F1) | _tensor(top_p_F >= 1, before_FV)[:, None])
        keep_sorted_FV[:, 0] = True
        keep_FV &= torch.zeros_like(keep_FV).scatter_(1, order_FV, keep_sorted_FV)
    kept_FV = prob_FV * keep_FV
    if every_row:
        return kept_FV
    return prob_BV.index_copy(0, rows_F, kept_FV)


def _tensor(values: np.ndarray, like: Tensor) -> Tensor:
    if values.dtype == np.bool_:
        return torch.from_numpy(values).to(like.device)
    return torch.from_numpy(values).to(like)

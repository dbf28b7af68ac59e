"""The loss head: log-probability and entropy of each token, straight from hidden states, without a [N, V] of logits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from srft.maths.head_tiles import LN2, Head, HeadGradients, Tiling, add_product, tile

DEFAULT_CHUNK_BYTES = 32 * 2**20
"""Largest size of one tile of logits. The speed on a CPU hardly depends on it (2 to 128 MiB: within 7 %); at this
size 24,000 tokens of a vocabulary of 345, as the demo has, still count as one tile and are kept for backward."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraHead:
    """A low-rank addition to the head: the weight is W + scale * B A, which is never formed."""

    a_RH: Tensor
    b_VR: Tensor
    scale: float


def token_statistics(
    hidden_NH: Tensor,
    weight_VH: Tensor,
    targets_N: Tensor,
    *,
    bias_V: Tensor | None = None,
    lora: LoraHead | None = None,
    temperature: float = 1.0,
    entropy_gradient: bool = True,
    chunk_bytes: int = DEFAULT_CHUNK_BYTES,
) -> tuple[Tensor, Tensor]:
    """Log-probability of each target and entropy over the whole vocabulary, nats, of softmax(logits / temperature).

    N counts exactly the tokens that matter: the caller selects them, so prompt and padding positions never get here.
    `targets_N` is int64 in [0, V); the log-probability of a target outside is NaN.
    Gradients flow through both results to the hidden states and to whichever of weight, bias and LoRA factors require
    them, exactly; a weight that is also the embedding collects both its gradients. There is no second derivative.
    With `entropy_gradient` false the entropy comes detached, which saves a frozen head a third of its work.

    Sums and results are float32 for float32, bfloat16 and float16 inputs, float64 where hidden states or weight are.
    When all logits fit into `chunk_bytes`, they are computed once and wait for backward.
    Otherwise nothing of size [N, V] ever exists: the vocabulary is walked in slices with a running softmax (Milakov and
    Gimelshein, arXiv 1805.02867, here with the entropy too), and backward computes each tile of logits again. Scratch
    is then about twice `chunk_bytes`, a float32 copy of a vocabulary slice of a 16-bit weight, another of its gradient.
    """
    if temperature <= 0 or chunk_bytes <= 0:
        raise ValueError(f"temperature ({temperature}) and chunk_bytes ({chunk_bytes}) must be positive")
    a_RH, b_VR, lora_scale = (None, None, 1.0) if lora is None else (lora.a_RH, lora.b_VR, lora.scale)
    options = _Options(
        lora_scale=lora_scale,
        temperature=temperature,
        chunk_bytes=chunk_bytes,
        entropy_gradient=entropy_gradient,
        grad_enabled=torch.is_grad_enabled(),
    )
    return _TokenStatistics.apply(hidden_NH, weight_VH, bias_V, a_RH, b_VR, targets_N, options)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    lora_scale: float
    temperature: float
    chunk_bytes: int
    entropy_gradient: bool
    grad_enabled: bool
    """Asked by the caller: inside an autograd function it is always off."""


class _TokenStatistics(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_NH: Tensor,
        weight_VH: Tensor,
        bias_V: Tensor | None,
        a_RH: Tensor | None,
        b_VR: Tensor | None,
        targets_N: Tensor,
        options: _Options,
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        inputs = hidden_NH, weight_VH, bias_V, a_RH, b_VR
        with torch.autocast(hidden_NH.device.type, enabled=False):
            head = Head.of(*inputs, options.lora_scale, options.temperature)
            tiling = Tiling.of(len(hidden_NH), len(weight_VH), head.dtype.itemsize, options.chunk_bytes)
            # Each token's softmax so far, relative to its largest logit so far: the sums of 2^z and of z 2^z.
            # That largest logit begins as a finite number, so that its differences times an empty sum are 0, not NaN.
            largest_N = head.full(tiling.tokens, torch.finfo(head.dtype).min)
            target_N = head.full(tiling.tokens, math.nan)
            sum_N, z_sum_N = head.full(tiling.tokens, 0.0), head.full(tiling.tokens, 0.0)
            z_NV = head.empty(tiling.tokens, tiling.vocabulary) if tiling.keeps_logits else None
            scratch, z_scratch = head.empty(tiling.tile_size), head.empty(tiling.tile_size if z_NV is None else 0)
            # d log p_y / d hidden = W_y - sum of p_v W_v, for all upstream gradients: taken here, while p is at hand,
            # it makes backward free. The entropy's own would be a third matrix product, as dear as computing p again.
            only_hidden = ctx.needs_input_grad[0] and not any(ctx.needs_input_grad[1:5])
            takes_mean = options.grad_enabled and only_hidden and a_RH is None and not options.entropy_gradient
            mean_NH = head.zeros_like_hidden() if takes_mean and z_NV is None else None
            for columns in tiling.slices():
                part = head.part(columns)
                for rows in tiling.chunks():
                    z_nv = tile(z_scratch, rows, columns) if z_NV is None else z_NV[rows]
                    part.write_logits(z_nv, rows)
                    place_n1, inside_n = _places(targets_N[rows], columns)
                    target_N[rows] = torch.where(inside_n, z_nv.gather(1, place_n1)[:, 0], target_N[rows])
                    largest_n = torch.maximum(largest_N[rows], z_nv.amax(1))
                    shift_n = largest_N[rows] - largest_n
                    shrink_n = torch.exp2(shift_n)
                    power_nv = torch.exp2(z_nv.sub_(largest_n[:, None]), out=tile(scratch, rows, columns))
                    z_sum_N[rows] = (z_sum_N[rows] + sum_N[rows] * shift_n) * shrink_n
                    sum_N[rows] = sum_N[rows] * shrink_n + power_nv.sum(1)
                    if mean_NH is not None:
                        add_product(mean_NH[rows].mul_(shrink_n[:, None]), power_nv, part.weight_vH)
                    z_sum_N[rows] += power_nv.mul_(z_nv).sum(1)
                    largest_N[rows] = largest_n
            log_sum_N = torch.log2(sum_N)
            # Nothing cancels: no summand of a log-probability is above 0, none of an entropy is below.
            logprob_N = (target_N - largest_N - log_sum_N) * LN2
            entropy_N = (log_sum_N - z_sum_N / sum_N) * LN2
            if mean_NH is not None:
                mean_NH.div_(sum_N[:, None])
            if not options.entropy_gradient:
                ctx.mark_non_differentiable(entropy_N)

        # Kept logits are relative to the largest already.
        log_total_N = log_sum_N if tiling.keeps_logits else largest_N + log_sum_N
        ctx.save_for_backward(*inputs, targets_N, z_NV, mean_NH, log_total_N, entropy_N)
        ctx.options = options
        return logprob_N, entropy_N

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_logprob_N: Tensor | None, grad_entropy_N: Tensor | None) -> tuple[Tensor | None, ...]:
        if grad_logprob_N is None and grad_entropy_N is None:
            return (None,) * 7
        *inputs, targets_N, z_NV, mean_NH, log_total_N, entropy_N = ctx.saved_tensors
        options, temperature = ctx.options, ctx.options.temperature
        with torch.autocast(targets_N.device.type, enabled=False):
            head = Head.of(*inputs, options.lora_scale, options.temperature)
            tiling = Tiling.of(len(targets_N), len(head.weight_VH), head.dtype.itemsize, options.chunk_bytes)
            # d log p_y / d logit_v = [v = y] - p_v and d H / d logit_v = -p_v (ln p_v + H), so a logit receives
            # [v = y] onto_target + p_v (onto_p + onto_log_p log2 p_v), with one number each for a token.
            onto_target_N = torch.zeros_like(entropy_N) if grad_logprob_N is None else grad_logprob_N / temperature
            if mean_NH is not None:
                hidden_NH, weight_VH = inputs[:2]
                grad_NH = (weight_VH[targets_N] - mean_NH).mul_(onto_target_N[:, None])
                return grad_NH.to(hidden_NH.dtype), *(None,) * 6
            grad_entropy_N = torch.zeros_like(entropy_N) if grad_entropy_N is None else grad_entropy_N / temperature
            onto_log_p_N = -LN2 * grad_entropy_N
            onto_p_N = -(onto_target_N + grad_entropy_N * entropy_N)
            gradients = HeadGradients(head, inputs, needed=ctx.needs_input_grad)
            scratch, p_scratch = head.empty(tiling.tile_size), head.empty(tiling.tile_size)
            for columns in tiling.slices():
                part = head.part(columns)
                gradients.begin(columns)
                for rows in tiling.chunks():
                    grad_nv = tile(scratch, rows, columns)
                    if z_NV is None:
                        part.write_logits(grad_nv, rows)
                        grad_nv.sub_(log_total_N[rows, None])
                    else:
                        torch.sub(z_NV[rows], log_total_N[rows, None], out=grad_nv)
                    p_nv = torch.exp2(grad_nv, out=tile(p_scratch, rows, columns))
                    grad_nv.mul_(onto_log_p_N[rows, None]).add_(onto_p_N[rows, None]).mul_(p_nv)
                    place_n1, inside_n = _places(targets_N[rows], columns)
                    onto_target_n1 = torch.where(inside_n, onto_target_N[rows], 0.0)[:, None]
                    # Not scatter_add_, which may be refused where deterministic algorithms are demanded.
                    grad_nv.scatter_(1, place_n1, grad_nv.gather(1, place_n1) + onto_target_n1)
                    gradients.add(part, rows, grad_nv)
                gradients.end(columns)
            return *gradients.result(), None, None


def _places(targets_n: Tensor, columns: slice) -> tuple[Tensor, Tensor]:
    """Where each target stands in a vocabulary slice, [n, 1], and whether it does; where not, the place is any."""
    place_n = targets_n - columns.start
    inside_n = (place_n >= 0) & (targets_n < columns.stop)
    return place_n.clamp(0, columns.stop - columns.start - 1)[:, None], inside_n

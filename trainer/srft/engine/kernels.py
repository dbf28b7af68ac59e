"""Differentiable pieces of a Llama layer whose backward passes go over memory as few times as possible.

On a CPU in float32 a layer of a small model spends as long moving activations as multiplying them. So the norm and what
follows it run over a few hundred tokens at a time, which stay in the cache, and only what the backward pass cannot
cheaply compute again is kept. Elsewhere the same functions are plain compositions of torch's own operations.

N tokens, H hidden, F feed-forward, X outputs of a projection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from srft.engine.linear import Projection

# So many floats of the widest activation go through a chunk; measured between 100,000 and no limit, on 1 MiB of L2
# cache.
CACHED_FLOATS = 400_000


def rms_norm(x_NH: Tensor, weight_H: Tensor, eps: float) -> Tensor:
    """x / sqrt(mean(x^2) + eps) * weight."""
    if x_NH.device.type == "cpu" and x_NH.dtype == torch.float32 and not torch.is_grad_enabled():
        norm_N1 = torch.linalg.vector_norm(x_NH, dim=-1, keepdim=True)
        divisor_N1 = norm_N1.square_().mul_(1 / x_NH.shape[-1]).add_(eps).rsqrt_()
        return torch.mul(x_NH, divisor_N1).mul_(weight_H)
    return functional.rms_norm(x_NH, x_NH.shape[-1:], weight_H, eps)


def normed_projection(x_NH: Tensor, norm_H: Tensor, eps: float, projection: Projection) -> Tensor:
    """[N, X] projection(rms_norm(x))."""
    if _runs_in_chunks(x_NH, projection):
        (part,) = projection.parts
        return _NormedLinear.apply(x_NH, norm_H, part.weight_OI, part.bias_O, eps)
    return projection(rms_norm(x_NH, norm_H, eps))


def gated_block(
    x_NH: Tensor,
    norm_H: Tensor,
    eps: float,
    gate_up: Projection,
    activation: Callable[[Tensor], Tensor],
    down: Projection,
) -> Tensor:
    """[N, H] x + down(activation(gate) * up), gate and up from rms_norm(x)."""
    if activation is functional.silu and _runs_in_chunks(x_NH, gate_up) and _runs_in_chunks(x_NH, down):
        (wide,), (narrow,) = gate_up.parts, down.parts
        return _GatedBlock.apply(x_NH, norm_H, wide.weight_OI, wide.bias_O, narrow.weight_OI, narrow.bias_O, eps)
    gate_NF, up_NF = gate_up(rms_norm(x_NH, norm_H, eps)).chunk(2, dim=-1)
    return x_NH + down(activation(gate_NF) * up_NF)


def added(x_NH: Tensor, input_NI: Tensor, projection: Projection) -> Tensor:
    """[N, H] x + projection(input)."""
    (part,) = projection.parts
    if part.loras or part.bias_O is not None:
        return x_NH + part(input_NI)
    return torch.addmm(x_NH, input_NI, part.weight_OI.t())


def _runs_in_chunks(x_NH: Tensor, projection: Projection) -> bool:
    fused = len(projection.parts) == 1 and not projection.parts[0].loras
    return fused and x_NH.device.type == "cpu" and x_NH.dtype == torch.float32


class _NormedLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_NH: Tensor, norm_H: Tensor, weight_XH: Tensor, bias_X: Tensor | None, eps: float) -> Tensor:
        y_NX = x_NH.new_empty((len(x_NH), len(weight_XH)))
        inverse_N1 = x_NH.new_empty((len(x_NH), 1))
        scratch = _Scratch(x_NH)
        for here in _chunks(len(x_NH), len(weight_XH)):
            normed_nH = scratch("normed", here, x_NH.shape[1])
            _normalise(x_NH[here], eps, normed_nH, inverse_N1[here])
            _linear(normed_nH.mul_(norm_H), weight_XH, bias_X, y_NX[here])
        ctx.save_for_backward(x_NH, norm_H, weight_XH, inverse_N1)
        ctx.has_bias = bias_X is not None
        return y_NX

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_NX: Tensor) -> tuple[Tensor | None, ...]:
        x_NH, norm_H, weight_XH, inverse_N1 = ctx.saved_tensors
        needs_x, needs_norm, needs_weight, needs_bias = ctx.needs_input_grad[:4]
        grad_x_NH = torch.empty_like(x_NH) if needs_x else None
        norm = _NormGradient(norm_H) if needs_norm else None
        grad_weight_XH = torch.zeros_like(weight_XH) if needs_weight else None
        scratch = _Scratch(x_NH)
        for here in _chunks(len(x_NH), len(weight_XH)):
            direction_nH = torch.mul(x_NH[here], inverse_N1[here], out=scratch("direction", here, x_NH.shape[1]))
            if grad_weight_XH is not None:
                normed_nH = torch.mul(direction_nH, norm_H, out=scratch("normed", here, x_NH.shape[1]))
                grad_weight_XH.addmm_(grad_NX[here].t(), normed_nH)
            if grad_x_NH is not None or norm is not None:
                grad_nH = torch.mm(grad_NX[here], weight_XH, out=scratch("gradient", here, x_NH.shape[1]))
                _norm_backward(grad_nH, direction_nH, norm_H, norm, scratch("product", here, x_NH.shape[1]))
                if grad_x_NH is not None:
                    torch.mul(grad_nH, inverse_N1[here], out=grad_x_NH[here])
        grad_bias_X = grad_NX.sum(0) if needs_bias and ctx.has_bias else None
        return grad_x_NH, norm.gradient_H if norm else None, grad_weight_XH, grad_bias_X, None


class _GatedBlock(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x_NH: Tensor,
        norm_H: Tensor,
        wide_GH: Tensor,
        wide_bias_G: Tensor | None,
        narrow_HF: Tensor,
        narrow_bias_H: Tensor | None,
        eps: float,
    ) -> Tensor:
        inner = narrow_HF.shape[1]
        y_NH = torch.empty_like(x_NH)
        gate_up_NG = x_NH.new_empty((len(x_NH), 2 * inner))
        inverse_N1 = x_NH.new_empty((len(x_NH), 1))
        scratch = _Scratch(x_NH)
        for here in _chunks(len(x_NH), 2 * inner):
            normed_nH = scratch("normed", here, x_NH.shape[1])
            _normalise(x_NH[here], eps, normed_nH, inverse_N1[here])
            gate_up_nG = _linear(normed_nH.mul_(norm_H), wide_GH, wide_bias_G, gate_up_NG[here])
            gated_nF = torch.ops.aten.silu.out(gate_up_nG[:, :inner], out=scratch("gated", here, inner))
            gated_nF.mul_(gate_up_nG[:, inner:])
            torch.addmm(x_NH[here], gated_nF, narrow_HF.t(), out=y_NH[here])
        if narrow_bias_H is not None:
            y_NH += narrow_bias_H
        ctx.save_for_backward(x_NH, norm_H, wide_GH, narrow_HF, gate_up_NG, inverse_N1)
        ctx.has_bias = wide_bias_G is not None, narrow_bias_H is not None
        return y_NH

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_NH: Tensor) -> tuple[Tensor | None, ...]:
        x_NH, norm_H, wide_GH, narrow_HF, gate_up_NG, inverse_N1 = ctx.saved_tensors
        hidden, inner = x_NH.shape[1], narrow_HF.shape[1]
        needs_x, needs_norm, needs_wide, needs_wide_bias, needs_narrow, needs_narrow_bias = ctx.needs_input_grad[:6]
        grad_x_NH = torch.empty_like(x_NH) if needs_x else None
        norm = _NormGradient(norm_H) if needs_norm else None
        grad_wide_GH = torch.zeros_like(wide_GH) if needs_wide else None
        grad_narrow_HF = torch.zeros_like(narrow_HF) if needs_narrow else None
        grad_wide_bias_G = wide_GH.new_zeros(2 * inner) if needs_wide_bias and ctx.has_bias[0] else None
        scratch = _Scratch(x_NH)
        for here in _chunks(len(x_NH), 2 * inner):
            gate_nF, up_nF = gate_up_NG[here, :inner], gate_up_NG[here, inner:]
            grad_gate_up_nG = scratch("gate_up", here, 2 * inner)
            grad_gated_nF = torch.mm(grad_NH[here], narrow_HF, out=scratch("gated", here, inner))
            silu_nF = torch.ops.aten.silu.out(gate_nF, out=scratch("silu", here, inner))
            torch.mul(grad_gated_nF, silu_nF, out=grad_gate_up_nG[:, inner:])
            if grad_narrow_HF is not None:
                grad_narrow_HF.addmm_(grad_NH[here].t(), silu_nF.mul_(up_nF))
            torch.ops.aten.silu_backward.grad_input(
                grad_gated_nF.mul_(up_nF), gate_nF, grad_input=grad_gate_up_nG[:, :inner]
            )
            direction_nH = torch.mul(x_NH[here], inverse_N1[here], out=scratch("direction", here, hidden))
            if grad_wide_GH is not None:
                normed_nH = torch.mul(direction_nH, norm_H, out=scratch("normed", here, hidden))
                grad_wide_GH.addmm_(grad_gate_up_nG.t(), normed_nH)
            if grad_wide_bias_G is not None:
                grad_wide_bias_G += grad_gate_up_nG.sum(0)
            if grad_x_NH is not None or norm is not None:
                grad_nH = torch.mm(grad_gate_up_nG, wide_GH, out=scratch("gradient", here, hidden))
                _norm_backward(grad_nH, direction_nH, norm_H, norm, scratch("product", here, hidden))
                if grad_x_NH is not None:
                    torch.addcmul(grad_NH[here], grad_nH, inverse_N1[here], out=grad_x_NH[here])
        grad_narrow_bias_H = grad_NH.sum(0) if needs_narrow_bias and ctx.has_bias[1] else None
        grad_norm_H = norm.gradient_H if norm else None
        return grad_x_NH, grad_norm_H, grad_wide_GH, grad_wide_bias_G, grad_narrow_HF, grad_narrow_bias_H, None


def _normalise(x_nH: Tensor, eps: float, direction_nH: Tensor, inverse_n1: Tensor) -> None:
    """direction = x / sqrt(mean(x^2) + eps), and the factor."""
    torch.mul(x_nH, x_nH, out=direction_nH)
    torch.mean(direction_nH, dim=1, keepdim=True, out=inverse_n1)
    inverse_n1.add_(eps).rsqrt_()
    torch.mul(x_nH, inverse_n1, out=direction_nH)


class _NormGradient:
    """Sums up the gradient of a norm's weight."""

    def __init__(self, norm_H: Tensor) -> None:
        self.gradient_H = torch.zeros_like(norm_H)


def _norm_backward(
    grad_nH: Tensor, direction_nH: Tensor, norm_H: Tensor, norm: _NormGradient | None, product_nH: Tensor
) -> None:
    """Turns the gradient after a norm into the gradient before it, times the norm's divisor, in place.

    With d = x / r: dL/dx = (w g - d mean(w g d)) / r.
    """
    torch.mul(grad_nH, direction_nH, out=product_nH)
    if norm is not None:
        norm.gradient_H += product_nH.sum(0)
    mean_n1 = torch.mv(product_nH, norm_H).div_(grad_nH.shape[1])[:, None]
    grad_nH.mul_(norm_H).addcmul_(direction_nH, mean_n1, value=-1)


def _linear(x_nI: Tensor, weight_OI: Tensor, bias_O: Tensor | None, y_nO: Tensor) -> Tensor:
    if bias_O is None:
        return torch.mm(x_nI, weight_OI.t(), out=y_nO)
    return torch.addmm(bias_O, x_nI, weight_OI.t(), out=y_nO)


def _chunks(tokens: int, width: int) -> Iterator[slice]:
    size = max(64, CACHED_FLOATS // width)
    for first in range(0, tokens, size):
        yield slice(first, min(first + size, tokens))


class _Scratch:
    """Buffers that one chunk after another writes into."""

    def __init__(self, like: Tensor) -> None:
        self._like = like
        self._buffers: dict[str, Tensor] = {}

    def __call__(self, name: str, here: slice, width: int) -> Tensor:
        """An uninitialised [tokens of the chunk, width]; the first chunk is the largest."""
        rows = here.stop - here.start
        if name not in self._buffers:
            self._buffers[name] = self._like.new_empty((rows, width))
        return self._buffers[name][:rows]

"""Small differentiable operations of the Llama family, each with a backward pass of few passes over memory."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional


def rms_norm(x_NH: Tensor, weight_H: Tensor, eps: float) -> Tensor:
    """x / sqrt(mean(x^2) + eps) * weight."""
    return functional.rms_norm(x_NH, x_NH.shape[-1:], weight_H, eps)


def gated(gate_up_NF: Tensor, activation: Callable[[Tensor], Tensor]) -> Tensor:
    """activation(gate) * up, the two lying side by side."""
    gate_NF, up_NF = gate_up_NF.chunk(2, dim=-1)
    return activation(gate_NF) * up_NF

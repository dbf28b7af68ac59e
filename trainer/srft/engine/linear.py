"""Linear layers with and without LoRA adapters, alone or side by side on the same input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

# Up to this size live weights are concatenated for each pass; above it the copy would cost memory that training needs.
FUSE_BELOW_BYTES = 32 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """One adapter: y += scale * B A dropout(x). R is its rank."""

    a_RI: Tensor
    b_OR: Tensor
    scale: float
    dropout: nn.Module
    """peft's own module, so that its training flag is honoured."""

    def __call__(self, x_NI: Tensor) -> Tensor:
        """[N, O] what the adapter adds, in the adapter's type."""
        low_NR = functional.linear(self.dropout(x_NI.to(self.a_RI.dtype)), self.a_RI)
        return functional.linear(low_NR, self.b_OR) * self.scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """One linear layer: weight, bias, and the adapters that are active now."""

    weight_OI: Tensor
    bias_O: Tensor | None
    loras: tuple[Lora, ...] = ()

    def merged(self) -> Linear:
        """A detached copy with the adapters added into the weight."""
        weight_OI = self.weight_OI.detach()
        for lora in self.loras:
            delta_OI = (lora.b_OR.detach() @ lora.a_RI.detach()) * lora.scale
            weight_OI = (weight_OI + delta_OI).to(weight_OI.dtype)
        return Linear(weight_OI=weight_OI, bias_O=None if self.bias_O is None else self.bias_O.detach())

    def __call__(self, x_NI: Tensor) -> Tensor:
        """[N, O]."""
        y_NO = functional.linear(x_NI, self.weight_OI, self.bias_O)
        for lora in self.loras:
            y_NO = (y_NO + lora(x_NI)).to(x_NI.dtype)
        return y_NO


@dataclass(frozen=True, slots=True)
class Projection:
    """Linear layers that read the same input; their outputs lie side by side."""

    parts: tuple[Linear, ...]

    @staticmethod
    def merged(*modules: Any) -> Projection:
        """For sampling: one detached matrix, adapters added in."""
        parts = [_linear(module).merged() for module in modules]
        return Projection((_fuse(parts) if len(parts) > 1 else parts[0],))

    @staticmethod
    def live(*modules: Any) -> Projection:
        """For training: the parameters themselves, fused where that is cheap."""
        parts = [_linear(module) for module in modules]
        small = sum(part.weight_OI.nbytes for part in parts) <= FUSE_BELOW_BYTES
        if len(parts) > 1 and small and not any(part.loras for part in parts):
            parts = [_fuse(parts)]
        return Projection(tuple(parts))

    def __call__(self, x_NI: Tensor) -> Tensor:
        """[N, sum of the parts' outputs]."""
        if len(self.parts) == 1:
            return self.parts[0](x_NI)
        return torch.cat([part(x_NI) for part in self.parts], dim=-1)


def read_linear(module: Any) -> Linear | str:
    """The layer as it stands now, or why the lean forward cannot read it, as the end of a sentence."""
    module = resolve(module)
    base = getattr(module, "base_layer", module)
    if type(base) is not nn.Linear:
        return f"one of its layers is a {type(base).__name__}"
    if base is module:
        return Linear(weight_OI=base.weight, bias_O=base.bias)
    if not hasattr(module, "lora_A"):
        return f"one of its adapters is a {type(module).__name__}"
    if module.disable_adapters or module.merged:
        return Linear(weight_OI=base.weight, bias_O=base.bias)
    active = [name for name in module.active_adapters if name in module.lora_A]
    if any(name in module.lora_variant for name in active):
        return "one of its LoRA adapters is of a special kind (DoRA or the like)"
    if any(module.lora_B[name].bias is not None for name in active):
        return "one of its LoRA adapters has a bias"
    loras = tuple(
        Lora(
            a_RI=module.lora_A[name].weight,
            b_OR=module.lora_B[name].weight,
            scale=module.scaling[name],
            dropout=module.lora_dropout[name],
        )
        for name in active
    )
    return Linear(weight_OI=base.weight, bias_O=base.bias, loras=loras)


def resolve(module: Any) -> Any:
    """The module that counts now: peft keeps fully trained copies of some modules beside the originals."""
    copies = getattr(module, "modules_to_save", None)
    if copies is None:
        return module
    if module.disable_adapters:
        return module.original_module
    return copies[module.active_adapters[0]]


def _linear(module: Any) -> Linear:
    part = read_linear(module)
    if isinstance(part, str):
        raise ValueError(f"no lean forward: {part}")
    return part


def _fuse(parts: list[Linear]) -> Linear:
    bias_O = None
    if any(part.bias_O is not None for part in parts):
        bias_O = torch.cat(
            [
                part.weight_OI.new_zeros(part.weight_OI.shape[0]) if part.bias_O is None else part.bias_O
                for part in parts
            ]
        )
    return Linear(weight_OI=torch.cat([part.weight_OI for part in parts]), bias_O=bias_O)

"""The head of a model in parts: what turns a hidden state into logits."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from srft.engine.lean import base_model
from srft.engine.linear import read_linear
from srft.errors import InputError
from srft.maths.head import LoraHead


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadParts:
    """logits_NV = hidden_NH weight_VH^T + bias_V, and what LoRA adds."""

    weight_VH: Tensor
    bias_V: Tensor | None
    lora: LoraHead | None


def head_parts(model: nn.Module) -> HeadParts:
    """The head as it stands now. Raises InputError for one that is no plain linear layer with at most one LoRA."""
    base = base_model(model)
    linear = read_linear(base.get_output_embeddings())
    if isinstance(linear, str):
        raise InputError(
            f"the output head of {type(base).__name__} cannot be trained: {linear}",
            where="model",
            remedy="leave `lm_head` out of `model.lora.targets`, or choose another model",
        )
    if not linear.loras:
        return HeadParts(weight_VH=linear.weight_OI, bias_V=linear.bias_O, lora=None)
    lora = linear.loras[0]
    if len(linear.loras) > 1 or getattr(lora.dropout, "p", 0) > 0:
        raise InputError(
            "the adapter of `lm_head` has dropout, or is not the only one",
            where="model.lora",
            remedy="set `model.lora.dropout` to 0, or leave `lm_head` out of `model.lora.targets`",
        )
    return HeadParts(
        weight_VH=linear.weight_OI,
        bias_V=linear.bias_O,
        lora=LoraHead(a_RH=lora.a_RI, b_VR=lora.b_OR, scale=lora.scale),
    )

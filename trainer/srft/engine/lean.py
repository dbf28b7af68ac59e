"""The Llama family seen through its own weights: what a lean forward needs, and nothing else.

Llama, SmolLM2, Mistral, Qwen2 and Qwen3 differ from each other in a bias, a norm on queries and keys, and a window.
This file reads those differences off a transformers model (LoRA adapters of peft included) and hands out its weights by
layer, either merged and fused for sampling or live and differentiable for training. The model itself is never changed.

Shapes: N tokens, H hidden, Q query heads, K key and value heads, D head size, F feed-forward, V vocabulary, L layers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from srft.engine.linear import Projection, read_linear, resolve

FAMILIES = {
    "transformers.models.llama.modeling_llama": "LlamaForCausalLM",
    "transformers.models.mistral.modeling_mistral": "MistralForCausalLM",
    "transformers.models.qwen2.modeling_qwen2": "Qwen2ForCausalLM",
    "transformers.models.qwen3.modeling_qwen3": "Qwen3ForCausalLM",
}

# Their angles depend on the position alone. `dynamic` and `longrope` also look at the length of the sequence.
STEADY_ROPE_TYPES = frozenset({"default", "linear", "llama3", "yarn"})


def supports(model: nn.Module) -> bool:
    """Can this model go lean? `unsupported_reason` says why not."""
    return unsupported_reason(model) is None


def unsupported_reason(model: Any) -> str | None:
    """Why the lean forward cannot stand in for this model, as the end of a sentence; None when it can."""
    base = base_model(model)
    if FAMILIES.get(type(base).__module__) != type(base).__name__:
        return f"{type(base).__name__} is not one of {', '.join(FAMILIES.values())}"
    rope_type = base.config.rope_parameters.get("rope_type", "default")
    if rope_type not in STEADY_ROPE_TYPES:
        return f"its rotary embedding `{rope_type}` depends on the length of the sequence"
    if getattr(model, "peft_config", None) and any(c.is_prompt_learning for c in model.peft_config.values()):
        return "its adapter learns a prompt"
    if getattr(base, "hf_quantizer", None) is not None:
        return "its weights are quantised"
    body = base.model
    if not isinstance(resolve(body.embed_tokens), nn.Embedding):
        return "its embedding carries an adapter"
    for layer in body.layers:
        attention, mlp = layer.self_attn, layer.mlp
        linears = (attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj)
        for module in (*linears, mlp.gate_proj, mlp.up_proj, mlp.down_proj, base.lm_head):
            part = read_linear(module)
            if isinstance(part, str):
                return part
    return None


def base_model(model: Any) -> Any:
    """The transformers model inside a PeftModel, or the model itself. Its modules are known by name, not by type."""
    return model.get_base_model() if hasattr(model, "peft_config") and hasattr(model, "get_base_model") else model


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The numbers of an architecture."""

    layers: int
    hidden: int
    query_heads: int
    key_heads: int
    head_size: int
    vocabulary: int
    norm_eps: float
    scale: float
    """Factor of the attention scores."""
    context: int
    """Most positions of one sequence."""
    window: int | None
    """A token sees at most so many positions, its own included; None: all before it."""
    attention_dropout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """The weights of one layer."""

    input_norm_H: Tensor
    qkv: Projection
    query_norm_D: Tensor | None
    key_norm_D: Tensor | None
    output: Projection
    post_norm_H: Tensor
    gate_up: Projection
    activation: Callable[[Tensor], Tensor]
    down: Projection


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """All weights of one forward pass."""

    embedding_VH: Tensor
    layers: tuple[Layer, ...]
    final_norm_H: Tensor
    head: Projection


class LeanModel:
    """A view on a model of the family, with its rotary tables."""

    def __init__(self, model: nn.Module) -> None:
        """Raises ValueError with the reason where `supports` says no."""
        reason = unsupported_reason(model)
        if reason is not None:
            raise ValueError(f"no lean forward: {reason}")
        self._base = base_model(model)
        self.shape = _read_shape(self._base.config, self._base.model)
        self._cos_PD: Tensor | None = None
        self._sin_PD: Tensor | None = None

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._embedding().device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the activations."""
        return self._embedding().dtype

    def weights(self, *, merged: bool) -> Weights:
        """The weights as they are now.

        `merged`: for sampling, detached, LoRA added in, projections that read the same input fused into one matrix
        (copies). Otherwise the parameters themselves, differentiable, LoRA beside them; small layers are fused by a
        differentiable concatenation, since a pass over thousands of tokens then costs one large product in place of
        three small ones.
        """
        body = self._base.model
        layers = []
        for layer in body.layers:
            attention, mlp = layer.self_attn, layer.mlp
            project = Projection.merged if merged else Projection.live
            layers.append(
                Layer(
                    input_norm_H=_weight(layer.input_layernorm, merged),
                    qkv=project(attention.q_proj, attention.k_proj, attention.v_proj),
                    query_norm_D=_weight(attention.q_norm, merged) if hasattr(attention, "q_norm") else None,
                    key_norm_D=_weight(attention.k_norm, merged) if hasattr(attention, "k_norm") else None,
                    output=project(attention.o_proj),
                    post_norm_H=_weight(layer.post_attention_layernorm, merged),
                    gate_up=project(mlp.gate_proj, mlp.up_proj),
                    activation=functional.silu if self._base.config.hidden_act == "silu" else mlp.act_fn,
                    down=project(mlp.down_proj),
                )
            )
        return Weights(
            embedding_VH=self._embedding().detach() if merged else self._embedding(),
            layers=tuple(layers),
            final_norm_H=_weight(body.norm, merged),
            head=Projection.merged(self._base.lm_head) if merged else Projection.live(self._base.lm_head),
        )

    def state_key(self) -> tuple[object, ...]:
        """Changes whenever a parameter, or what adapters do, changes in place: optimiser steps, loaded checkpoints."""
        adapters = tuple(
            (tuple(module.active_adapters), module.disable_adapters, tuple(module.merged_adapters))
            for module in self._base.modules()
            if hasattr(module, "lora_A")
        )
        return tuple((id(p), p.data_ptr(), p._version) for p in self._base.parameters()), adapters

    def rotary(self, positions: int) -> tuple[Tensor, Tensor]:
        """cos_PD and signed sin_PD for at least so many positions, made by the model's own rotary module.

        The sine's first half is negated, so that rotating x is x * cos + (x with its halves swapped) * sin.
        """
        if self._cos_PD is None or self._sin_PD is None or self._cos_PD.shape[0] < positions:
            with torch.inference_mode(False), torch.no_grad():
                position_P = torch.arange(max(positions, 256), device=self.device)[None]
                cos_1PD, sin_1PD = self._base.model.rotary_emb(self._embedding()[:1], position_ids=position_P)
                half = sin_1PD.shape[-1] // 2
                self._cos_PD = cos_1PD[0].contiguous()
                self._sin_PD = torch.cat([-sin_1PD[0, :, :half], sin_1PD[0, :, half:]], dim=-1)
        return self._cos_PD, self._sin_PD

    def _embedding(self) -> Tensor:
        return resolve(self._base.model.embed_tokens).weight


def _weight(norm: Any, merged: bool) -> Tensor:
    weight = resolve(norm).weight
    return weight.detach() if merged else weight


def _read_shape(config: Any, body: Any) -> Shape:
    attention = body.layers[0].self_attn
    window = getattr(config, "sliding_window", None)
    layer_types = getattr(config, "layer_types", None)
    if layer_types is not None and "sliding_attention" not in layer_types:
        window = None
    return Shape(
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        query_heads=config.num_attention_heads,
        key_heads=config.num_key_value_heads,
        head_size=attention.head_dim,
        vocabulary=body.embed_tokens.weight.shape[0],
        norm_eps=config.rms_norm_eps,
        scale=attention.scaling,
        context=config.max_position_embeddings,
        window=window,
        attention_dropout=config.attention_dropout,
    )

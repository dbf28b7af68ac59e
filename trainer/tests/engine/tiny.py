"""Tiny random models. Their weights are spread by 0.2, so that greedy texts wander instead of repeating one token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import peft
import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

VOCABULARY, END = 97, 96
COMMON: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.2,
    "bos_token_id": None,
    "eos_token_id": END,
    "pad_token_id": END,
}
LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
YARN_ROPE = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 128}
NO_DROPOUT = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
GPT2: dict[str, Any] = {
    **NO_DROPOUT,
    "n_embd": 32,
    "n_layer": 2,
    "n_head": 4,
    "n_positions": 512,
    "resid_pdrop": 0.0,
    "embd_pdrop": 0.0,
}

MAKERS: dict[str, Callable[[], Any]] = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**COMMON, tie_word_embeddings=True)),
    "llama_biased_untied": lambda: LlamaForCausalLM(
        LlamaConfig(
            **COMMON, tie_word_embeddings=False, attention_bias=True, mlp_bias=True, rope_parameters=LLAMA3_ROPE
        )
    ),
    "mistral": lambda: MistralForCausalLM(MistralConfig(**COMMON, sliding_window=None, head_dim=12)),
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**COMMON, tie_word_embeddings=True, rope_parameters=YARN_ROPE)),
    "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**COMMON, head_dim=16, tie_word_embeddings=False)),
    "mistral_windowed": lambda: MistralForCausalLM(MistralConfig(**COMMON, sliding_window=24)),
    "gpt2": lambda: GPT2LMHeadModel(
        GPT2Config(vocab_size=VOCABULARY, **GPT2, initializer_range=0.2, bos_token_id=None, eos_token_id=END)
    ),
    "gpt_neox": lambda: GPTNeoXForCausalLM(
        GPTNeoXConfig(**{k: v for k, v in COMMON.items() if k != "num_key_value_heads"}, tie_word_embeddings=False)
    ),
}
FAMILIES = list(MAKERS)
LEAN_FAMILIES = ["llama", "llama_biased_untied", "mistral", "qwen2", "qwen3"]


def tiny_model(family: str, seed: int = 0) -> Any:
    """The same model for the same seed; biases and norms are random too, so that none can be forgotten unseen."""
    torch.manual_seed(seed)
    model = MAKERS[family]().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                centre = 1.0 if "norm" in name or "ln_" in name else 0.0
                parameter.normal_(centre, 0.2)
    return model


def with_lora(
    model: Any, *, targets: list[str] | str = "all-linear", dropout: float = 0.0, seed: int = 1, **options: Any
) -> Any:
    """The model with adapters whose B is not 0."""
    torch.manual_seed(seed)
    config = peft.LoraConfig(
        r=4, lora_alpha=8, lora_dropout=dropout, target_modules=targets, task_type="CAUSAL_LM", **options
    )
    adapted = peft.get_peft_model(model, config).eval()
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.1)
    return adapted

"""What the lean forward accepts, what it reads, and that it leaves the model alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from srft.engine.lean import LeanModel, supports, unsupported_reason
from tests.engine.tiny import COMMON, FAMILIES, LEAN_FAMILIES, tiny_model, with_lora


@pytest.mark.parametrize("family", FAMILIES)
def test_supports_the_llama_family_and_nothing_else(family):
    assert supports(tiny_model(family)) == (family in [*LEAN_FAMILIES, "mistral_windowed"])


def llama(**options: Any):
    return LlamaForCausalLM(LlamaConfig(**{**COMMON, **options}))


REFUSED = {
    "dynamic rope": (
        lambda: llama(rope_parameters={"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}),
        "rotary",
    ),
    "adapter on the embedding": (lambda: with_lora(llama(), targets=["embed_tokens"]), "embedding"),
    "DoRA": (lambda: with_lora(llama(), targets=["q_proj"], use_dora=True), "DoRA"),
    "a bias in the adapter": (lambda: with_lora(llama(), targets=["q_proj"], lora_bias=True), "bias"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_refuses_by_name_what_it_cannot_compute(case):
    make, word = case
    model = make()
    assert word in (unsupported_reason(model) or "")
    with pytest.raises(ValueError, match=word):
        LeanModel(model)


@pytest.mark.parametrize("adapters", [False, True], ids=["", "lora"])
def test_reading_weights_leaves_the_model_as_it_was(adapters):
    model = with_lora(tiny_model("llama")) if adapters else tiny_model("llama")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    lean = LeanModel(model)
    lean.weights(merged=True)
    lean.weights(merged=False)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_state_key_sees_an_update_a_load_and_a_switched_off_adapter():
    model = with_lora(tiny_model("llama"))
    lean = LeanModel(model)
    keys = [lean.state_key()]
    with torch.no_grad():
        next(parameter for name, parameter in model.named_parameters() if "lora_B" in name).add_(1)
    keys.append(lean.state_key())
    model.load_state_dict(model.state_dict())
    keys.append(lean.state_key())
    with model.disable_adapter():
        keys.append(lean.state_key())
    assert len(set(keys)) == 4
    assert lean.state_key() == keys[2]


def test_windows_count_only_where_a_layer_uses_them():
    assert LeanModel(tiny_model("mistral_windowed")).shape.window == 24
    assert LeanModel(tiny_model("mistral")).shape.window is None
    assert LeanModel(tiny_model("qwen2")).shape.window is None

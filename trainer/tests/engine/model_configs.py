"""What transformers itself makes of configurations of every variant that the editor reads.

`python -m tests.engine.model_configs` in `trainer/` writes `test/fixtures/inference/configs.json`; the TypeScript tests
hold their own reading of `config.json` and their rotary tables against it.
"""

from __future__ import annotations

import base64
import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import peft
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig, PreTrainedConfig
from transformers.masking_utils import sliding_window_overlay

FILE = Path(__file__).parents[3] / "test" / "fixtures" / "inference" / "configs.json"
POSITIONS = (0, 1, 7, 63, 64, 300, 4095, 32_768, 131_071)
"""Of the rotary tables."""
LENGTHS = (16, 700)
"""Tokens of a text, before and beyond the length of the models that scale dynamically."""

SIZES: dict[str, Any] = {
    "vocab_size": 24,
    "hidden_size": 32,
    "intermediate_size": 40,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "eos_token_id": 2,
}
LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
LONG = {"max_position_embeddings": 16_384}
LONG_YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4096}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128}


def written(kind: str, **options: Any) -> dict[str, Any]:
    """`config.json` as transformers writes it."""
    config = AutoConfig.for_model(kind, **{**SIZES, **options})
    return json.loads(config.to_json_string())


def older(kind: str, **options: Any) -> dict[str, Any]:
    """`config.json` as releases before 5 wrote it: only what their authors thought of, scaling beside theta."""
    return {"model_type": kind, **SIZES, **options}


def without(key: str, config: dict[str, Any]) -> dict[str, Any]:
    """The configuration, silent about one thing."""
    return {name: value for name, value in config.items() if name != key}


def rope(**options: Any) -> dict[str, Any]:
    """`rope_parameters`."""
    return {"rope_parameters": {"rope_theta": 10000.0, **options}}


CASES: dict[str, dict[str, Any]] = {
    "llama": written("llama"),
    "llama, every bias": written("llama", attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
    "llama, heads of their own size": written("llama", head_dim=6, hidden_act="gelu_pytorch_tanh"),
    "llama, silent": older("llama", architectures=["LlamaForCausalLM"], num_key_value_heads=None),
    "llama, theta alone": older("llama", rope_theta=100000, rope_scaling=None, eos_token_id=[2, 3]),
    "llama, long": written("llama", head_dim=128, num_attention_heads=2, hidden_size=64, **rope(rope_theta=500000.0)),
    "llama, linear": written("llama", **rope(rope_type="linear", factor=3.0)),
    "llama, linear, older": older("llama", rope_scaling={"type": "linear", "factor": 2.5}),
    "llama, dynamic": written("llama", **rope(rope_type="dynamic", factor=2.0), head_dim=16),
    "llama, dynamic, older": older(
        "llama",
        rope_theta=30000.0,
        rope_scaling={"type": "dynamic", "factor": 1.7, "original_max_position_embeddings": 9},
    ),
    "llama, llama3": written(
        "llama", head_dim=64, **rope(rope_type="llama3", original_max_position_embeddings=64, **LLAMA3)
    ),
    "llama, llama3, older": older(
        "llama",
        head_dim=64,
        rope_theta=500000.0,
        rope_scaling={"rope_type": "llama3", "original_max_position_embeddings": 256, **LLAMA3},
    ),
    "llama, llama3, original beside": older(
        "llama",
        head_dim=32,
        original_max_position_embeddings=32,
        rope_scaling={"rope_type": "llama3", "original_max_position_embeddings": 256, **LLAMA3},
    ),
    "llama, yarn": written("llama", head_dim=64, **rope(**YARN)),
    "llama, yarn, original of the model": older("llama", rope_scaling={"type": "yarn", "factor": 2.0}),
    "mistral": written("mistral"),
    "mistral, window": written("mistral", sliding_window=8, head_dim=16),
    "mistral, no window": written("mistral", sliding_window=None),
    "mistral, silent": without("num_key_value_heads", older("mistral", num_attention_heads=16)),
    "qwen2": written("qwen2", tie_word_embeddings=True),
    "qwen2, upper layers windowed": written("qwen2", use_sliding_window=True, sliding_window=6, max_window_layers=1),
    "qwen2, upper layers windowed, older": older(
        "qwen2", use_sliding_window=True, sliding_window=6, max_window_layers=1
    ),
    "qwen2, window unused": older("qwen2", sliding_window=6, max_window_layers=1, use_sliding_window=False),
    "qwen2, layers listed": written(
        "qwen2",
        use_sliding_window=True,
        sliding_window=5,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"],
    ),
    "qwen2, yarn with mscale": older(
        "qwen2",
        rope_theta=1000000.0,
        rope_scaling={**YARN, "mscale": 1.0, "mscale_all_dim": 0.8, "beta_fast": 16, "beta_slow": 2},
    ),
    "qwen2, yarn, not truncated": written("qwen2", **rope(**YARN, truncate=False, attention_factor=1.25)),
    "qwen3": written("qwen3", head_dim=16),
    "qwen3, silent": older("qwen3"),
    "qwen3, bias, yarn": written("qwen3", head_dim=128, attention_bias=True, **rope(**YARN)),
    "qwen3, yarn of a long model": written("qwen3", head_dim=64, **LONG, **rope(**LONG_YARN)),
    "qwen3, yarn of a long model, not truncated": written(
        "qwen3", head_dim=64, **LONG, **rope(**LONG_YARN, truncate=False)
    ),
    "qwen3, windowed": written("qwen3", head_dim=8, use_sliding_window=True, sliding_window=4, max_window_layers=2),
}


def reference(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration and what transformers derives from it."""
    loaded = AutoConfig.for_model(**copy.deepcopy(config))  # It adds to the objects it is given.
    torch.manual_seed(0)
    model: Any = AutoModelForCausalLM.from_config(loaded)
    attention, mlp = model.model.layers[0].self_attn, model.model.layers[0].mlp
    return {
        "config": config,
        "facts": {
            "headSize": attention.head_dim,
            "heads": loaded.num_attention_heads,
            "keyValueHeads": loaded.num_attention_heads // attention.num_key_value_groups,
            "normEpsilon": loaded.rms_norm_eps,
            "maxPositions": loaded.max_position_embeddings,
            "windows": [_window(layer.self_attn, loaded) for layer in model.model.layers],
            "activation": type(mlp.act_fn).__name__,
            "tied": loaded.tie_word_embeddings,
            "bias": {
                "query": attention.q_proj.bias is not None,
                "output": attention.o_proj.bias is not None,
                "mlp": mlp.up_proj.bias is not None,
            },
            "headNorms": hasattr(attention, "q_norm"),
            "endTokens": _list(GenerationConfig.from_model_config(loaded).eos_token_id),
            "shapes": {name: list(tensor.shape) for name, tensor in model.state_dict().items()},
        },
        "rotary": [_tables(model.model.rotary_emb, length) for length in LENGTHS],
    }


ADAPTERS: dict[str, dict[str, Any]] = {
    "plain": {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "down_proj"]},
    "rank-stabilised": {"r": 4, "lora_alpha": 6, "target_modules": ["v_proj", "gate_proj"], "use_rslora": True},
    "patterns": {
        "r": 4,
        "lora_alpha": 8,
        "target_modules": ["q_proj", "o_proj", "up_proj"],
        "rank_pattern": {"q_proj": 2, "layers.1.self_attn.o_proj": 1, "^model.layers.0.mlp.up_proj": 3},
        "alpha_pattern": {"1.mlp.up_proj": 5, "_proj": 100, "self_attn.o_proj": 16},
    },
    "of the head": {"r": 2, "lora_alpha": 2, "target_modules": ["lm_head", "k_proj"]},
}
"""Over the first case of CASES."""


def adapter_reference(options: dict[str, Any]) -> dict[str, Any]:
    """What peft writes of an adapter, and what it multiplies each layer's B A by."""
    base: Any = AutoModelForCausalLM.from_config(AutoConfig.for_model(**copy.deepcopy(CASES["llama"])))
    model: Any = peft.get_peft_model(base, peft.LoraConfig(task_type="CAUSAL_LM", **copy.deepcopy(options)))
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        config = json.loads((Path(folder) / "adapter_config.json").read_text("utf-8"))
        tensors = load_file(Path(folder) / "adapter_model.safetensors")
    config["target_modules"] = sorted(config["target_modules"])  # peft keeps a set.
    return {
        "config": config,
        "shapes": {name: list(tensor.shape) for name, tensor in sorted(tensors.items())},
        "scales": {
            name: module.scaling["default"]
            for name, module in model.get_base_model().named_modules()
            if hasattr(module, "lora_A")
        },
    }


def references() -> dict[str, Any]:
    """All of the file."""
    return {
        "about": "made by trainer/tests/engine/model_configs.py; arrays are little-endian float32 in base64",
        "positions": list(POSITIONS),
        "cases": {name: reference(config) for name, config in CASES.items()},
        "adapters": {name: adapter_reference(options) for name, options in ADAPTERS.items()},
    }


def floats(text: str) -> np.ndarray:
    """An array of the file."""
    return np.frombuffer(base64.b64decode(text), dtype="<f4")


def _tables(rotary: Any, length: int) -> dict[str, Any]:
    """What queries and keys are rotated with in a text of `length` tokens, at POSITIONS as if they were in it."""
    half = rotary.inv_freq.shape[0]
    rotary(torch.zeros(1), torch.arange(length)[None])
    # The forward would adapt to the largest position: the frequencies of this length are what is looked at.
    angles_P = torch.tensor(POSITIONS)[:, None].float() * rotary.inv_freq.float()
    cos_PH = angles_P.cos() * rotary.attention_scaling
    sin_PH = angles_P.sin() * rotary.attention_scaling
    assert cos_PH.shape == (len(POSITIONS), half)
    return {"length": length, "frequencies": _text(rotary.inv_freq), "cos": _text(cos_PH), "sin": _text(sin_PH)}


def _window(attention: Any, config: PreTrainedConfig) -> int | None:
    """As many keys as the mask lets a late token see, its own included."""
    window = (
        attention.sliding_window if hasattr(attention, "sliding_window") else getattr(config, "sliding_window", None)
    )
    if window is None:
        return None
    late, sees = 2 * window, sliding_window_overlay(window)
    return sum(bool(sees(0, 0, late, key)) for key in range(late + 1))


def _text(values: Tensor) -> str:
    return base64.b64encode(values.detach().float().numpy().astype("<f4").tobytes()).decode("ascii")


def _list(tokens: int | list[int] | None) -> list[int]:
    return tokens if isinstance(tokens, list) else [] if tokens is None else [tokens]


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps(references(), indent=1) + "\n", encoding="utf-8")

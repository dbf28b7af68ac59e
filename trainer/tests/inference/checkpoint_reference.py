"""Small random checkpoints of every architecture the extension asks, and what torch says of them.

`python -m tests.inference.checkpoint_reference` writes them to test/fixtures/checkpoints/, each a folder in the layout
of Hugging Face with a `reference.json`: figures of torch in float32 of one text, longer than the window and than the
positions a model was made for. `test_checkpoint_reference.py` checks that they are up to date.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from peft.peft_model import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config

FOLDER = Path(__file__).parents[3] / "test/fixtures/checkpoints"
DEMO = Path(__file__).parents[2] / "demo"
DEMO_FILE = FOLDER.parent / "demo-reference.json"
VOCABULARY = 48
LENGTH = 56
TOP = 4


@dataclass(frozen=True, slots=True)
class Variant:
    """A checkpoint: what differs from the small model that all are."""

    config: type
    options: dict[str, Any] = field(default_factory=dict)
    dtype: torch.dtype = torch.float32
    shard: str = "1GB"
    lora: dict[str, Any] | None = None


_YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}

VARIANTS = {
    "llama": Variant(LlamaConfig),
    "llama-tied-bf16": Variant(LlamaConfig, {"tie_word_embeddings": True}, torch.bfloat16),
    "llama-f16-shards": Variant(LlamaConfig, dtype=torch.float16, shard="3KB"),
    "llama-biases": Variant(LlamaConfig, {"attention_bias": True, "mlp_bias": True, "hidden_act": "gelu"}),
    "llama-linear": Variant(LlamaConfig, {"rope_parameters": {"rope_type": "linear", "factor": 2.5}}),
    "llama-dynamic": Variant(LlamaConfig, {"rope_parameters": {"rope_type": "dynamic", "factor": 2.0}}),
    "llama-llama3": Variant(
        LlamaConfig,
        {
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 500.0,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 16,
            }
        },
    ),
    "llama-yarn": Variant(LlamaConfig, {"rope_parameters": _YARN}),
    "mistral-window": Variant(MistralConfig, {"sliding_window": 12}),
    "qwen2": Variant(Qwen2Config),
    "qwen2-window": Variant(Qwen2Config, {"use_sliding_window": True, "sliding_window": 10, "max_window_layers": 1}),
    "qwen3": Variant(Qwen3Config, {"head_dim": 12}),
    "qwen3-yarn": Variant(Qwen3Config, {"rope_parameters": _YARN, "tie_word_embeddings": True, "head_dim": 8}),
    "llama-lora": Variant(LlamaConfig, lora={"r": 2, "lora_alpha": 6, "target_modules": ["q_proj", "v_proj"]}),
    "qwen2-rslora": Variant(
        Qwen2Config,
        lora={
            "r": 4,
            "lora_alpha": 4,
            "use_rslora": True,
            "target_modules": "all-linear",
            "rank_pattern": {"up_proj": 2},
        },
    ),
}


def text_ids() -> list[int]:
    """The text that every checkpoint is asked about."""
    return [(index * 29 + index * index * 7 + 3) % VOCABULARY for index in range(LENGTH)]


def make_model(variant: Variant) -> Any:
    """Two layers of random weights, large enough that figures differ from token to token."""
    torch.manual_seed(7)
    options = {
        "vocab_size": VOCABULARY,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 32,
        "initializer_range": 0.4,
        "tie_word_embeddings": False,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 2,
        **variant.options,
    }
    model = AutoModelForCausalLM.from_config(variant.config(**options), dtype=torch.float32)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 1:
                weight.add_(torch.randn_like(weight) * (0.2 if name.endswith("norm.weight") else 0.4))
    return model.to(variant.dtype)


def figures(model: Any, text: list[int]) -> dict[str, Any]:
    """Of every token but the first: log-prob, entropy, rank and the likeliest tokens, in float32."""
    ids = torch.tensor([text])
    with torch.no_grad():
        logprob_LV = torch.log_softmax(model.eval()(input_ids=ids).logits[0, :-1].double(), dim=-1)
    target_L = ids[0, 1:]
    logprob_L = logprob_LV.gather(1, target_L[:, None])[:, 0]
    top_LK, top_ids_LK = logprob_LV.topk(TOP, dim=-1)
    return {
        "ids": ids[0].tolist(),
        "logprob": _rounded(logprob_L),
        "entropy": _rounded(-(logprob_LV.exp() * logprob_LV).sum(dim=-1)),
        "rank": (logprob_LV > logprob_L[:, None]).sum(dim=-1).tolist(),
        "top_ids": top_ids_LK.tolist(),
        "top_logprobs": [_rounded(row) for row in top_LK],
    }


def write(folder: Path, variant: Variant) -> None:
    """The checkpoint and its reference. An adapter has its base in `base/` beside it."""
    model = make_model(variant)
    if variant.lora is None:
        model.save_pretrained(folder, max_shard_size=variant.shard)
    else:
        model.save_pretrained(folder / "base")
        torch.manual_seed(11)
        model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **variant.lora))
        _fill_adapter(model)
        model.peft_config["default"].base_model_name_or_path = "base"
        model.save_pretrained(str(folder))
        (folder / "README.md").unlink()
        _sort_targets(folder / "adapter_config.json")
    text = json.dumps(figures(_loaded(folder, variant), text_ids()), separators=(",", ":"))
    (folder / "reference.json").write_text(text + "\n", encoding="utf-8")


def _loaded(folder: Path, variant: Variant) -> Any:
    """As people load it. The model that was made has lost digits of its frequencies with those of its weights."""
    if variant.lora is None:
        return AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32)
    base = AutoModelForCausalLM.from_pretrained(str(folder / "base"), dtype=torch.float32)
    return PeftModel.from_pretrained(base, str(folder))


def _fill_adapter(model: PeftModel) -> None:
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name:
                weight.copy_(torch.randn_like(weight) * 0.3)


def _sort_targets(path: Path) -> None:
    """Peft writes them in the order of a set, which differs from call to call."""
    config = json.loads(path.read_text(encoding="utf-8"))
    config["target_modules"] = sorted(config["target_modules"])
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _rounded(values: torch.Tensor) -> list[float]:
    return [round(value, 6) for value in values.tolist()]


def demo_reference() -> dict[str, Any]:
    """What torch says of problems and worked answers under the demo's own base."""
    folder = DEMO / "base"
    tokenizer: Any = AutoTokenizer.from_pretrained(str(folder))
    rows = [json.loads(line) for line in (DEMO / "data/train.jsonl").read_text(encoding="utf-8").splitlines()[:3]]
    text = "\n".join(f"{row['prompt']}{row['demonstration']}" for row in rows)
    model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32)
    return figures(model, tokenizer(text, add_special_tokens=False).input_ids)


def main() -> None:
    """Writes all of them anew."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, variant in VARIANTS.items():
        (FOLDER / name).mkdir(parents=True)
        write(FOLDER / name, variant)
    DEMO_FILE.write_text(json.dumps(demo_reference(), separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

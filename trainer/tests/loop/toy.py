"""A toy world in a folder: a tiny random model with a real tokenizer, problems, a recipe."""

from __future__ import annotations

import json
import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_toy(folder: Path) -> Path:
    """Write model, data and `toy.srft.json`; returns the recipe's path."""
    torch.manual_seed(0)
    tokenizer = _tokenizer()
    tokenizer.save_pretrained(folder / "base")
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=128,
        tie_word_embeddings=True,
        initializer_range=0.2,
        eos_token_id=2,
        pad_token_id=0,
        bos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(folder / "base")
    write_problems(folder / "train.jsonl", 24, seed=0)
    write_problems(folder / "held.jsonl", 6, seed=1)
    recipe = folder / "toy.srft.json"
    recipe.write_text(json.dumps(toy_recipe(), indent=1))
    return recipe


def toy_recipe() -> dict:
    """A recipe of seconds: six steps of four prompts."""
    return {
        "name": "toy",
        "model": {"path": "base", "device": "cpu", "threads": 1},
        "data": {"path": "train.jsonl"},
        # Half of what a random model writes has an even number of characters, so that both outcomes occur.
        "reward": {"parts": [{"kind": "regex", "pattern": "(?s)^(..)*$", "match_only": True}], "gate": None},
        "method": {"kind": "srft", "rollouts": 3},
        "training": {"steps": 6, "prompts_per_step": 4},
        "rollouts": {"max_tokens": 12},
        "optimiser": {"learning_rate": 1e-3},
        "evaluation": {"data": {"path": "held.jsonl"}, "every": 3, "sampling": {"max_tokens": 8}},
        "checkpoint": {"every": 2},
    }


def write_problems(path: Path, count: int, seed: int) -> None:
    """Sums of two digits; every third has no demonstration."""
    draw = random.Random(seed)
    with path.open("w") as file:
        for number in range(count):
            a, b = draw.randint(1, 9), draw.randint(1, 9)
            row = {"id": f"{path.stem}-{number}", "prompt": f"{a}+{b}?", "answer": str(a + b)}
            if number % 3:
                row["demonstration"] = f"<think>{a}+{b}={a + b}</think>"
            file.write(json.dumps(row) + "\n")


def _tokenizer() -> PreTrainedTokenizerFast:
    special = ["<pad>", "<|im_start|>", "<|im_end|>"]
    names = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    backend = Tokenizer(models.BPE(vocab={name: number for number, name in enumerate(names)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(special)
    backend.add_tokens(["<think>", "</think>"])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>", eos_token="<|im_end|>")
    tokenizer.chat_template = TEMPLATE
    return tokenizer

"""Small tokenizers of the families that checkpoints bring, as the files of a checkpoint's folder."""

from __future__ import annotations

import json
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

LINES = [
    "The quick brown fox can't jump over 1234567 lazy dogs; they've said it's 12% of 3.14159.",
    "def solve(x):\n    return x * 2  # twice\n\n\n        if x == 10: pass\r\n",
    "Ana has 85 shells. sells 3, gives 3, wins 8. \\boxed{92} <think>\nso\n</think>\n",
    "schön café naïve über 数学 数学 число число שלום مرحبا 🙂🙂 ½ ² — “quotes”",
]

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace("{1,3}", "")
SPACE = "\u2581"

Files = dict[str, Any]
"""Contents by file name; JSON as values."""


def kinds() -> dict[str, Files]:
    """Every tokenizer, by the name of its folder."""
    legacy = sentence_piece_files(metaspace=False, config={})
    return {
        "llama3": llama3_files(),
        "llama3-more": with_more_tokens(llama3_files()),
        "qwen2": qwen2_files("Qwen2Tokenizer", "qwen2"),
        "qwen3": qwen2_files("TokenizersBackend", "qwen3"),
        "smollm2": smollm2_files("TokenizersBackend"),
        "smollm2-gpt2-class": smollm2_files("GPT2Tokenizer"),
        "mistral": sentence_piece_files(
            metaspace=True, config={"tokenizer_class": "LlamaTokenizerFast", "model_type": "mistral"}
        ),
        "llama2-legacy": legacy,
        "llama2-class": sentence_piece_files(
            metaspace=False, config={"tokenizer_class": "LlamaTokenizer", "legacy": False, "add_bos_token": True}
        ),
        "llama2-legacy-class": sentence_piece_files(
            metaspace=False, config={"tokenizer_class": "LlamaTokenizer", "legacy": True, "add_eos_token": True}
        ),
        "metaspace-split": split_metaspace(),
    }


def llama3_files() -> Files:
    tokenizer = byte_level(pre_tokenizers.Split(Regex(LLAMA3), "isolated"), 560, ignore_merges=True)
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>"])
    tokenizer.add_special_tokens(["<|eot_id|>"])
    bos = ("<|begin_of_text|>", tokenizer.token_to_id("<|begin_of_text|>"))
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=True),
            processors.TemplateProcessing(
                single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|> $B", special_tokens=[bos]
            ),
        ]
    )
    names = {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"}
    return files(tokenizer, {"tokenizer_class": "PreTrainedTokenizerFast", **names}, "llama")


def with_more_tokens(made: Files) -> Files:
    """Tokens that only the configuration has, and one that only a normalised text shows."""
    token = {
        "content": "<C>",
        "special": False,
        "normalized": True,
        "lstrip": False,
        "rstrip": True,
        "single_word": False,
    }
    more = {"additional_special_tokens": ["<A>", "<B>", "<|eot_id|>"], "added_tokens_decoder": {"500": token}}
    made["tokenizer_config.json"] |= {**more, "pad_token": "<PAD>"}
    return made


def qwen2_files(tokenizer_class: str, model_type: str) -> Files:
    tokenizer = byte_level(pre_tokenizers.Split(Regex(QWEN2), "isolated"), 560)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    plain = ["<tool_call>", "</tool_call>", "<think>", "</think>"]
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token in plain])
    names = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "add_prefix_space": False}
    config = {"tokenizer_class": tokenizer_class, **names, "unk_token": None, "bos_token": None}
    return files(tokenizer, config, model_type)


def smollm2_files(tokenizer_class: str) -> Files:
    tokenizer = byte_level(pre_tokenizers.Digits(individual_digits=True), 520, use_regex=True)
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    # Habits of a few tokenizers: white space as tokens of its own, and tokens that swallow the space beside them.
    tokenizer.add_tokens([AddedToken("<mask>", lstrip=True, normalized=False), AddedToken("   ", normalized=True)])
    tokenizer.add_tokens([AddedToken("word", single_word=True, normalized=False)])
    names = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "unk_token": "<|endoftext|>"}
    return files(tokenizer, {"tokenizer_class": tokenizer_class, **names}, "llama")


def sentence_piece_files(*, metaspace: bool, config: dict[str, Any]) -> Files:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    trainer = trainers.BpeTrainer(
        vocab_size=460, special_tokens=["<unk>", "<s>", "</s>", *byte_tokens()], show_progress=False
    )
    # Merges may cross a space, as SentencePiece's may not; a tokenizer has to apply them all the same.
    tokenizer.train_from_iterator([line.replace(" ", SPACE) for line in LINES * 3], trainer)
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = [token for token in state["added_tokens"] if token["id"] < 3]
    tokenizer = Tokenizer.from_str(json.dumps(state))
    if metaspace:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(SPACE, "first", split=False)
        tokenizer.add_special_tokens(["[INST]", "[/INST]"])
    else:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    rest = {name: value for name, value in config.items() if name != "model_type"}
    return files(
        tokenizer, {"tokenizer_class": "TokenizersBackend", **names, **rest}, config.get("model_type", "llama")
    )


def split_metaspace() -> Files:
    """A space before every text, and words apart."""
    made = sentence_piece_files(metaspace=True, config={})
    state = made["tokenizer.json"]
    state["pre_tokenizer"] = {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "always", "split": True}
    return made


def byte_level(first: Any, size: int, *, use_regex: bool = False, ignore_merges: bool = False) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    after = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([first, after])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(LINES * 3, trainer)
    return tokenizer


def byte_tokens() -> list[str]:
    return [f"<0x{byte:02X}>" for byte in range(256)]


def files(tokenizer: Tokenizer, config: dict[str, Any], model_type: str) -> Files:
    return {
        "tokenizer.json": json.loads(tokenizer.to_str()),
        "tokenizer_config.json": {**config, "clean_up_tokenization_spaces": False},
        "config.json": {"model_type": model_type},
    }

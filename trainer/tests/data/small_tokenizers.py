"""Tokenizers small enough to be made in a test, of both styles, and chat templates with the habits of real ones."""

from __future__ import annotations

import json
from functools import lru_cache

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

LINES = [
    "Ana has 85 shells. sells 3, gives 3, wins 8, wins 5. How many now?",
    "85-3=82\n82-3=79\n79+8=87\n87+5=92\n\\boxed{92}",
    "You are a helpful assistant. user system assistant\nToday Date: 26 Jul 2024\n",
]

CHATML = """{% for message in messages %}<|im_start|>{{ message['role'] }}
{{ message['content'] }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
OPENS_THINK = CHATML.replace("<|im_start|>assistant\n{%", "<|im_start|>assistant\n<think>\n{%")
DROPS_THINK = """{% for message in messages %}{% if message.role == 'assistant' -%}
{% set words = message.content.split('</think>')[-1] %}{% else %}{% set words = message.content %}{% endif %}
{{- '<|im_start|>' + message.role + '\\n' + words | trim + '<|im_end|>\\n' }}
{%- endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""
INJECTS_SYSTEM = (
    """{% if messages[0]['role'] != 'system' %}<|im_start|>system
You are a helpful assistant.<|im_end|>
{% endif %}"""
    + CHATML
)
INJECTS_DATE = (
    """{%- if not date_string is defined %}{%- if strftime_now is defined %}
{%- set date_string = strftime_now("%d %b %Y") %}{%- else %}{%- set date_string = "26 Jul 2024" %}{%- endif %}
{%- endif %}<|im_start|>system
Today Date: {{ date_string }}<|im_end|>
"""
    + CHATML
)
REFUSES_SYSTEM = (
    """{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}""" + CHATML
)
MANY_FEATURES = """{%- macro turn(message) -%}{{ '<|im_start|>' ~ message.role ~ '\\n' }}
{%- generation -%}{{ message.content }}{%- endgeneration -%}<|im_end|>{%- endmacro -%}
{% set state = namespace(count=0) %}{{ bos_token }}{% for message in messages %}
    {% if message.role == 'tool' %}{% continue %}{% endif %}
    {% set state.count = state.count + 1 %}
{{ turn(message) }}{{ {'n': state.count, 'é': '<'} | tojson }}
{% endfor %}{% if tools %}{{ tools | tojson(indent=2) }}{% endif %}
{%- if add_generation_prompt %}assistant:{% endif %}"""

TEMPLATES = {
    "chatml": CHATML,
    "opens think": OPENS_THINK,
    "drops think": DROPS_THINK,
    "injects system": INJECTS_SYSTEM,
    "refuses system": REFUSES_SYSTEM,
    "many features": MANY_FEATURES,
}


@lru_cache
def _byte_level_backend() -> str:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=340,
        special_tokens=["<pad>", "<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(LINES * 4, trainer)
    tokenizer.add_tokens([AddedToken("<think>", normalized=False), AddedToken("</think>", normalized=False)])
    return tokenizer.to_str()


def byte_level(
    template: str | None = CHATML, *, eos: str | None = "<|im_end|>", pad: str = "<pad>"
) -> PreTrainedTokenizerFast:
    """Byte-level BPE as in GPT-2, Qwen, SmolLM2."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(_byte_level_backend()),
        bos_token="<|im_start|>",
        eos_token=eos,
        pad_token=pad,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = template
    return tokenizer


@lru_cache
def _sentence_piece_backend() -> str:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    trainer = trainers.BpeTrainer(vocab_size=260, special_tokens=["<unk>", "<s>", "</s>"])
    tokenizer.train_from_iterator([line.replace(" ", "▁") for line in LINES * 4], trainer)
    state = json.loads(tokenizer.to_str())
    vocabulary = state["model"]["vocab"]
    for byte in range(256):
        vocabulary.setdefault(f"<0x{byte:02X}>", len(vocabulary))
    made = Tokenizer.from_str(json.dumps(state))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return made.to_str()


def sentence_piece(template: str = CHATML) -> PreTrainedTokenizerFast:
    """BPE with byte fallback and a space put before every text, as in Llama 2 and Mistral."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(_sentence_piece_backend()),
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = template
    return tokenizer


def two_letters() -> PreTrainedTokenizerFast:
    """A tokenizer that knows the letters a and b alone."""
    vocabulary = {"<unk>": 0, "</s>": 1, "a": 2, "b": 3}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", unk_token="<unk>")
    tokenizer.chat_template = "{{ messages[-1].content }}"
    return tokenizer

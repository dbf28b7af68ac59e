"""Texts at which tokenizers differ: written ones, and random ones from a seed."""

from __future__ import annotations

import random

TEXTS = [
    "",
    " ",
    "   ",
    "a",
    "Hello, world! It's 12345 o'clock; THEY'VE'LL I'M 'Tis",
    " leading and trailing ",
    "two  spaces,   three,    four\ttab\t\ttabs \n line\n\nlines \r\n crlf\r\n\r\n old mac\r",
    "👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🇩🇪🇫🇷 ☺️ 1️⃣",
    "שלום עולם مرحبا بالعالم \u200fRTL\u200e \u202eoverride\u202c",
    "e\u0301 o\u0308 A\u030a n\u0303 \u1100\u1161\u11a8 한국어 \u212b \ufb01 ½ ² ³ ⅷ ٣٤٥ 一二三 \u0e33",
    "Z\u0351\u036b\u0343a\u0334\u035blgo",
    "\x00\x01\x02\x07\x08\x0b\x0c\x0e\x1b\x1f\x7f\x80\x85\x9f\xa0\xad",
    "a\x85b \x85 \ufeffbom\ufeff a\u2028b\u2029c \u3000ideographic\u3000 \u1680 \u200bzero\u200bwidth\u200d\u2060",
    "0 00 000 0000 1234567890 3.14159 1,000,000 -5e-10 0x1F ١٢٣ ¼½¾ Ⅳ ①② 𝟘𝟙",
    "def f(x):\n\treturn {k: v for k, v in x.items()}  # éè\n\n\n    if a<=b&&c: pass\n",
    "<|begin_of_text|>hi<|eot_id|><|im_start|>user\nx<|im_end|>\n<s>[INST] q [/INST]</s><unk><think>a</think>",
    "<|im_start |> <|im_end| > <|im_en <s > </s< <unk <think><think <|IM_START|> ＜s＞ <0x0A> <0xFF> <0xZZ>",
    "▁ ▁▁ a▁b ▁a Ġ ĠĠ Ċ aĠb \u0120the",
    "x <mask> y<mask>z  <mask>  word words sword a word. word",
    "<PAD><A> <B><C>  x<C>\n <a><A",
    "'ſ it'ſ IT'S it'S 'K 'RE 'Ll ’s don’t",
    "\ud7ff\ue000\ufffd\ufffe\uffff \U0001fffe\U0010ffff \U000e0041",
    "constructor __proto__ toString hasOwnProperty",
    "a" * 10_000,
    " " * 5_000,
    "ab1 " * 1_500,
    "🙂" * 1_000,
    "\n" * 700 + "." * 700,
]

POOLS = [
    "abcdefghijklmnopqrstuvwxyzABCSTK '’.,;:!?\n\r\t 0123456789",
    "  \t\n\r\x0b\x0c\x85\xa0\u2003\u2028\u3000\u200b\ufeff",
    "éèüñçøßſK½²³①Ⅳ٣۴०",
    "e\u0301\u0308\u030a\u0334o\u0303\u1100\u1161\u11a8",
    "שלוםمرحباчислоﬁ数学한ひカ▁ĠĊ",
    "🙂👍🏽👩\u200d💻🇩🇪\ufe0f",
    '<>|[]/\\{}_^%$#@*+-=~`"',
]
PIECES = [
    "<|im_start|>",
    "<|im_end|>",
    "<s>",
    "</s>",
    "<unk>",
    "<think>",
    "[INST]",
    "<0x0A>",
    "it's",
    "word",
    "<mask>",
    "<C>",
]


def random_texts(count: int, seed: int) -> list[str]:
    """Mixes of the pools and of pieces, up to 30 characters or pieces each."""
    draw = random.Random(seed)
    return ["".join(_piece(draw) for _ in range(draw.randint(1, 30))) for _ in range(count)]


def _piece(draw: random.Random) -> str:
    if draw.random() < 0.08:
        return draw.choice(PIECES)
    return draw.choice(draw.choice(POOLS))

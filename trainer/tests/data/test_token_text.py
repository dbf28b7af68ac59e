"""Bytes of tokens: their concatenation is the text, in both styles of tokenizers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srft.data import response_text, token_bytes
from tests.data.small_tokenizers import byte_level, sentence_piece

STYLES = {"byte level": byte_level(), "sentence piece": sentence_piece()}
TABLES = {name: token_bytes(tokenizer) for name, tokenizer in STYLES.items()}
TEXTS = ["85-3=82\n", "<think>\nx\n</think>", "schön, 数学 🙂", "  two  spaces ", "\t\r\n\\boxed{½}", "▁Ġ<0x0A>"]


def joined(style: str, ids) -> bytes:
    return b"".join(TABLES[style][index] for index in ids)


def encode(style: str, text: str) -> list[int]:
    return STYLES[style](text, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("text", TEXTS)
def test_bytes_are_the_decoded_text(style, text):
    ids = encode(style, text)
    decoded = STYLES[style].decode(ids, skip_special_tokens=False)
    ours = joined(style, ids).decode()
    assert ours == ("" if style == "byte level" else " ") + str(decoded)


@settings(max_examples=200)
@given(st.text(max_size=40))
def test_byte_level_loses_nothing(text):
    assert joined("byte level", encode("byte level", text)) == text.encode()


@given(st.lists(st.integers(4, len(TABLES["byte level"]) - 1), max_size=12))
def test_any_ids_have_bytes_even_invalid_utf8(ids):
    data = joined("byte level", ids)
    assert data.decode(errors="replace") == STYLES["byte level"].decode(ids, skip_special_tokens=False)


def test_every_byte_has_a_token():
    for table in TABLES.values():
        assert {bytes([byte]) for byte in range(256)} <= set(table)


def test_ids_beyond_the_tokenizer_have_no_bytes():
    table = token_bytes(STYLES["byte level"], size=512)
    assert len(table) == 512
    assert set(table[len(STYLES["byte level"]) :]) == {b""}


def test_special_tokens_are_spelled_out_and_a_last_end_token_goes():
    tokenizer, table = STYLES["byte level"], TABLES["byte level"]
    end = tokenizer.eos_token_id
    ids = encode("byte level", "<think>1</think>2<|im_end|>3<|im_end|>")
    assert response_text(table, ids, {end}) == "<think>1</think>2<|im_end|>3"
    assert response_text(table, ids) == "<think>1</think>2<|im_end|>3<|im_end|>"
    assert response_text(table, [], {end}) == ""

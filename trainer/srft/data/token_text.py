"""The bytes behind token ids, so that a record's text is exactly its tokens, even where they are no valid UTF-8."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def token_bytes(tokenizer: Any, size: int | None = None) -> list[bytes]:
    """The raw bytes of every token id, special tokens spelled out; their concatenation is the text.

    `size` is the model's vocabulary, which may be larger than the tokenizer's; ids without a token have no bytes.
    Knows byte-level BPE (GPT-2's byte alphabet) and SentencePiece's style (`▁` for a space, `<0x0A>` for a byte).
    """
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    added = {int(index): str(token) for index, token in tokenizer.added_tokens_decoder.items()}
    to_bytes = _byte_level if _is_byte_level(tokenizer) else _sentence_piece
    count = max([size or 0, *(index + 1 for index in vocabulary.values()), *(index + 1 for index in added)])
    table = [b""] * count
    for token, index in vocabulary.items():
        table[index] = to_bytes(token)
    for index, token in added.items():
        table[index] = to_bytes(token) if _BYTE_TOKEN.fullmatch(token) else token.encode()
    return table


def response_text(table: Sequence[bytes], token_ids: Sequence[int], end_token_ids: Collection[int] = ()) -> str:
    """The text of a response for rewards: special tokens stay, a last end token goes, bad UTF-8 is replaced."""
    ids = list(token_ids)
    if ids and int(ids[-1]) in end_token_ids:
        ids.pop()
    return b"".join(table[int(index)] for index in ids).decode(errors="replace")


def _is_byte_level(tokenizer: Any) -> bool:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    decoder = getattr(backend, "decoder", None)
    if decoder is None:
        return False
    state = json.loads(decoder.__getstate__())
    return any(part["type"] == "ByteLevel" for part in [state, *state.get("decoders", ())])


@lru_cache(maxsize=1)
def _byte_of_character() -> dict[str, int]:
    """GPT-2's alphabet: printable bytes stand for themselves, the other 68 for U+0100 and on, in order."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + number): byte for number, byte in enumerate(others)}


def _byte_level(token: str) -> bytes:
    table = _byte_of_character()
    if all(character in table for character in token):
        return bytes(table[character] for character in token)
    return token.encode()


def _sentence_piece(token: str) -> bytes:
    if byte := _BYTE_TOKEN.fullmatch(token):
        return bytes([int(byte.group(1), 16)])
    return token.replace("▁", " ").encode()

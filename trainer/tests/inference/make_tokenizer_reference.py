"""What the trainer's tokenizers and templates answer, for the editor's to be held against.

`python -m tests.inference.make_tokenizer_reference` writes it into test/fixtures/tokenizers; the same on every machine.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from srft.data import token_bytes
from tests.inference.chat_reference import chats
from tests.inference.hostile_texts import TEXTS, random_texts
from tests.inference.tokenizer_kinds import Files, kinds

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "test" / "fixtures" / "tokenizers"
DEMO = ROOT / "trainer" / "demo" / "base"
RANDOM_TEXTS = 300
WHOLE = 150
"""Longer lists of ids are written as their number and a hash."""


def references() -> dict[str, str]:
    """Every file of the reference, by its path within the folder."""
    texts = {"written": TEXTS, "random": random_texts(RANDOM_TEXTS, seed=7)}
    made = {"texts.json": dumps(texts), "chats.json": dumps(chats())}
    for name, files in kinds().items():
        with tempfile.TemporaryDirectory() as folder:
            write_files(Path(folder), files)
            made[f"{name}/reference.json"] = dumps(answers(Path(folder), texts))
        made |= {f"{name}/{file}": dumps(content) for file, content in files.items()}
    made["demo/reference.json"] = dumps(answers(DEMO, texts))
    return made


def answers(folder: Path, texts: dict[str, list[str]]) -> dict[str, Any]:
    """Ids of every text and bytes of every token."""
    tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    plain = [encode(tokenizer, text, special=False) for text in texts["written"]]
    special = encode(tokenizer, "x", special=True)
    start = special.index(encode(tokenizer, "x", special=False)[0])
    random = [digest(encode(tokenizer, text, special=False)) for text in texts["random"]]
    return {
        "class": type(tokenizer).__name__,
        "size": len(tokenizer),
        "bytes": [data.hex() for data in token_bytes(tokenizer)],
        "special": sorted(index for index, token in tokenizer.added_tokens_decoder.items() if token.special),
        "before": special[:start],
        "after": special[start + len(encode(tokenizer, "x", special=False)) :],
        "written": [ids if len(ids) <= WHOLE else {"count": len(ids), "hash": digest(ids)} for ids in plain],
        "random": random,
    }


def encode(tokenizer: Any, text: str, *, special: bool) -> list[int]:
    return tokenizer(text, add_special_tokens=special)["input_ids"]


def digest(ids: Sequence[int]) -> str:
    return hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()[:12]


def write_files(folder: Path, files: Files) -> None:
    for name, content in files.items():
        (folder / name).write_text(dumps(content), encoding="utf-8")


def dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    for path, text in references().items():
        target = FOLDER / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")

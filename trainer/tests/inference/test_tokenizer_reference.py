"""The answers the editor is held against are those of this trainer, today."""

from __future__ import annotations

import pytest

from tests.inference.chat_reference import CONVERSATIONS, DATE, NAMES, TEMPLATES
from tests.inference.hostile_texts import random_texts
from tests.inference.make_tokenizer_reference import FOLDER, references


def test_the_committed_reference_is_what_the_script_makes():
    made = references()
    committed = {path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*") if path.is_file()}
    assert set(committed) == set(made)
    stale = [name for name, text in made.items() if committed[name].read_text(encoding="utf-8") != text]
    assert stale == [], "run `python -m tests.inference.make_tokenizer_reference`"


def test_random_texts_are_the_same_each_time():
    assert random_texts(20, seed=7) == random_texts(20, seed=7)


@pytest.mark.parametrize("name", ["chatml", "headers", "thinking", "instruct", "controls"])
def test_templates_render_at_least_one_conversation(name):
    from srft.data.chat_template import compile_template

    assert compile_template(TEMPLATES[name], NAMES, DATE)(CONVERSATIONS[0], True)

"""The seam between prompt and response, with templates that have the habits of real ones."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from srft.config import DataConfig, PromptConfig
from srft.data import load_problems, seam_report, token_bytes
from srft.data.chat_template import compile_template
from srft.data.prompting import make_prompter
from srft.errors import InputError
from tests.data import small_tokenizers as small
from tests.data.small_tokenizers import byte_level, sentence_piece
from tests.error_table import record

QUESTION = "Ana has 85 shells. How many now?"
DEMONSTRATION = "<think>\n85-3=82\n</think>\n\\boxed{82}"
DEFAULTS = PromptConfig()
CHATS = [
    [{"role": "user", "content": QUESTION}],
    [{"role": "system", "content": "be brief"}, {"role": "user", "content": "a\n\n b "}],
    [
        {"role": "user", "content": "1"},
        {"role": "assistant", "content": DEMONSTRATION},
        {"role": "user", "content": "é"},
    ],
]


def load(tmp_path: Path, rows, tokenizer, prompt=DEFAULTS, max_response_tokens=200, **options):
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_problems(DataConfig(path="data.jsonl"), prompt, tokenizer, tmp_path, max_response_tokens, **options)


def load_one(tmp_path: Path, tokenizer, demonstration=DEMONSTRATION, **options):
    return load(tmp_path, [{"prompt": QUESTION, "answer": "82", "demonstration": demonstration}], tokenizer, **options)[
        0
    ]


def rendered_by_transformers(tokenizer, chat, generation_prompt: bool) -> str:
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=generation_prompt)
    assert isinstance(text, str)
    return text


def text_of(tokenizer, ids) -> str:
    table = token_bytes(tokenizer)
    return b"".join(table[index] for index in ids).decode()


@pytest.mark.parametrize("chat", CHATS, ids=["user", "system", "three turns"])
@pytest.mark.parametrize("generation_prompt", [True, False])
@pytest.mark.parametrize("name", small.TEMPLATES)
def test_renders_as_transformers_does(name, chat, generation_prompt):
    tokenizer = byte_level(small.TEMPLATES[name])
    render = compile_template(small.TEMPLATES[name], dict(tokenizer.special_tokens_map), "2026-01-01")
    if name == "refuses system" and chat[0]["role"] == "system":
        with pytest.raises(Exception, match="not supported"):
            render(chat, generation_prompt)
    else:
        assert render(chat, generation_prompt) == rendered_by_transformers(tokenizer, chat, generation_prompt)


def test_the_date_is_the_recipes(tmp_path):
    tokenizer = byte_level(small.INJECTS_DATE)
    problem = load_one(tmp_path, tokenizer, prompt=PromptConfig(date="2024-02-29"))
    assert "Today Date: 29 Feb 2024" in problem.prompt_text
    expected = rendered_by_transformers(tokenizer, CHATS[0], True)
    assert re.sub(r"\d\d \w\w\w \d{4}", "29 Feb 2024", expected, count=1) == problem.prompt_text


@pytest.mark.parametrize("name", [*small.TEMPLATES, "injects date"])
def test_response_continues_the_prompt(name, tmp_path):
    """Prompt tokens spell the prompt, response tokens spell the demonstration once, whole, and its end."""
    tokenizer = byte_level(small.TEMPLATES.get(name, small.INJECTS_DATE))
    problem = load_one(tmp_path, tokenizer)
    assert text_of(tokenizer, problem.prompt_ids) == problem.prompt_text
    assert text_of(tokenizer, problem.demonstration_ids) == problem.demonstration_text + "<|im_end|>"
    whole = problem.prompt_text + problem.demonstration_text
    assert whole.endswith(DEMONSTRATION)
    assert whole.count("<think>") == whole.count("</think>") == 1
    assert problem.opened_tag == (name == "opens think")
    assert not problem.demonstration_cut


@pytest.mark.parametrize(
    ("demonstration", "continued"),
    [
        ("<think>\nabc</think>d", "abc</think>d"),
        ("<think>abc</think>d", "abc</think>d"),
        (" \n<think>\n\nabc</think>d", "\nabc</think>d"),
        ("abc</think>d", "abc</think>d"),
        ("<think>\nabc</think>d<|im_end|>\n", "abc</think>d"),
    ],
)
def test_a_tag_the_prompt_opened_is_cut_once(demonstration, continued, tmp_path):
    problem = load_one(tmp_path, byte_level(small.OPENS_THINK), demonstration)
    assert problem.prompt_text.endswith("<think>\n")
    assert problem.demonstration_text == continued


def test_a_tag_in_the_question_opens_nothing(tmp_path):
    tokenizer = byte_level()
    assert not load(tmp_path, [{"prompt": "what is <think>", "answer": "1"}], tokenizer)[0].opened_tag


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_cut_leaves_the_end_token_out(extra, tmp_path):
    tokenizer = byte_level()
    whole = load_one(tmp_path, tokenizer).demonstration_ids
    problem = load_one(tmp_path, tokenizer, max_response_tokens=len(whole) + extra)
    assert problem.demonstration_cut == (extra < 0)
    assert problem.demonstration_tokens == len(whole)
    assert problem.demonstration_ids == whole[: len(whole) + min(extra, 0)]
    assert (problem.demonstration_ids[-1] == tokenizer.eos_token_id) == (extra >= 0)
    if extra < 0:
        assert problem.demonstration_text == DEMONSTRATION


def test_deeper_cut_cuts_the_text_too(tmp_path):
    tokenizer = byte_level()
    problem = load_one(tmp_path, tokenizer, max_response_tokens=4)
    assert len(problem.demonstration_ids) == 4
    assert DEMONSTRATION.startswith(problem.demonstration_text) and len(problem.demonstration_text) < 20


@pytest.mark.parametrize(
    ("ends", "closing"),
    [(None, "<|endoftext|>"), (["<|endoftext|>", "<|im_end|>"], "<|im_end|>"), (["<|endoftext|>"], "<|endoftext|>")],
)
def test_the_end_token_is_the_one_that_closes_the_turn(ends, closing, tmp_path):
    tokenizer = byte_level(eos="<|endoftext|>")
    ids = ends and tokenizer.convert_tokens_to_ids(ends)
    problem = load_one(tmp_path, tokenizer, end_token_ids=ids)
    assert problem.demonstration_ids[-1] == tokenizer.convert_tokens_to_ids(closing)


def test_pad_equal_to_the_end_token_changes_nothing(tmp_path):
    plain, same = load_one(tmp_path, byte_level()), load_one(tmp_path, byte_level(pad="<|im_end|>"))
    assert same == plain
    assert same.demonstration_ids[-1] == byte_level().eos_token_id


def test_system_message_of_the_recipe_comes_first(tmp_path):
    problem = load_one(tmp_path, byte_level(small.INJECTS_SYSTEM), prompt=PromptConfig(system="be brief"))
    assert problem.prompt_text.startswith("<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\n")
    assert problem.question == QUESTION


def test_given_template_file_wins(tmp_path):
    (tmp_path / "chat.jinja").write_text("Q: {{ messages[-1].content }}\nA:{% if add_generation_prompt %} {% endif %}")
    problem = load_one(tmp_path, byte_level(), prompt=PromptConfig(chat_template="chat.jinja"))
    assert problem.prompt_text == f"Q: {QUESTION}\nA: "


def test_prefix_space_does_not_enter_the_continuation(tmp_path):
    """Llama-2-like tokenizers put a space before each text; after a prompt that would be another text."""
    tokenizer = sentence_piece("{{ bos_token }}[INST] {{ messages[-1].content }} [/INST]\n")
    problem = load_one(tmp_path, tokenizer)
    assert text_of(tokenizer, problem.demonstration_ids) == DEMONSTRATION + "</s>"


def test_seam(tmp_path):
    tokenizer = byte_level(small.OPENS_THINK)
    seam = seam_report(load_one(tmp_path, tokenizer), tokenizer, tokens=3)
    assert seam.prompt_tail[-2:] == ("<think>", "\n")
    assert "".join(seam.response_head).startswith("85"[:1])
    assert seam.response_tail[-1] == "<|im_end|>"
    assert seam.opened_tag and not seam.joint_differs
    assert str(seam).startswith("'") and " | " in str(seam) and "the prompt opens the reasoning" in str(seam)


def test_seam_says_when_one_text_would_be_cut_elsewhere(tmp_path):
    tokenizer = byte_level("{{ messages[-1].content }} 8")
    problem = load_one(tmp_path, tokenizer, "5-3=82")
    joint = tokenizer(problem.prompt_text + problem.demonstration_text, add_special_tokens=False)["input_ids"]
    differs = tuple(joint) != problem.prompt_ids + problem.demonstration_ids[:-1]
    assert seam_report(problem, tokenizer).joint_differs == differs == True  # noqa: E712 - both must be true
    assert seam_report(load_one(tmp_path, tokenizer, None), tokenizer).response_head == ()


REFUSALS = {
    "no chat template": (
        lambda: (byte_level(None), DEFAULTS),
        "the model's tokenizer: the model has no chat template; give a Jinja file as `prompt.chat_template`.",
    ),
    "a template with a syntax error": (
        lambda: (byte_level("{% for %}"), PromptConfig()),
        "the model's tokenizer: the chat template does not compile (Expected an expression, got 'end of statement "
        "block'); correct it, or give another.",
    ),
    "a missing template file": (
        lambda: (byte_level(), PromptConfig(chat_template="absent.jinja")),
        "absent.jinja: the chat template cannot be read (No such file or directory); correct `prompt.chat_template`.",
    ),
    "a template that refuses a system message": (
        lambda: (byte_level(small.REFUSES_SYSTEM), PromptConfig(system="be brief")),
        "data.jsonl:1: the chat template refuses the messages (System role not supported); mend the problem, or give "
        "another template as `prompt.chat_template`.",
    ),
    "a tokenizer without end token": (
        lambda: (byte_level(eos=None), PromptConfig()),
        "the model's tokenizer: the model has no end token, neither in its generation configuration nor in its "
        "tokenizer; set `eos_token` in tokenizer_config.json.",
    ),
    "a prompt that is too long": (
        lambda: (byte_level(), PromptConfig(max_tokens=5)),
        None,
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refuses(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make, sentence = REFUSALS[name]
    tokenizer, prompt = make()
    count = len(byte_level()(load_one(tmp_path, byte_level()).prompt_text, add_special_tokens=False)["input_ids"])
    sentence = sentence or (
        f"data.jsonl:1: the prompt has {count} tokens, more than `prompt.max_tokens` (5); raise the limit, or shorten "
        "or remove the row."
    )
    with pytest.raises(InputError) as caught:
        load_one(tmp_path, tokenizer, prompt=prompt)
    assert str(caught.value) == sentence
    record("prompt", name, str(caught.value))


def test_two_system_messages_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [{"prompt": CHATS[1], "answer": "1"}]
    with pytest.raises(InputError) as caught:
        load(tmp_path, rows, byte_level(), prompt=PromptConfig(system="be brief"))
    expected = (
        "data.jsonl:1: the problem begins with a system message, and `prompt.system` gives another; "
        "remove one of the two."
    )
    assert str(caught.value) == expected
    record("prompt", "a system message in the recipe and in the row", str(caught.value))


def test_an_end_token_inside_a_demonstration_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        load_one(tmp_path, byte_level(), "one<|im_end|>two<|im_end|>")
    expected = (
        "data.jsonl:1: the demonstration holds the end token <|im_end|> before its end; remove the token from the text."
    )
    assert str(caught.value) == expected
    record("prompt", "an end token inside a demonstration", expected)


@pytest.mark.parametrize("meaning", ["prompt", "demonstration"])
def test_characters_without_token_are_refused(meaning, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    row = {"prompt": "aab", "answer": "1", "demonstration": "abb"}
    tokenizer = small.two_letters()
    assert load(tmp_path, [row], tokenizer)[0].demonstration_ids
    with pytest.raises(InputError) as caught:
        load(tmp_path, [{**row, meaning: "abc"}], tokenizer)
    expected = (
        f"data.jsonl:1: the tokenizer has no token for a character of the {meaning}; "
        "write it with other characters, or remove the row."
    )
    assert str(caught.value) == expected
    record("prompt", f"a character in a {meaning} that the tokenizer has no token for", expected)


def test_templates_are_sandboxed(tmp_path):
    tokenizer = byte_level("{{ messages.__class__.__mro__[1].__subclasses__() }}")
    with pytest.raises(InputError, match="unsafe"):
        load_one(tmp_path, tokenizer)


def test_ids_share_their_int_objects(tmp_path):
    """Tens of millions of demonstration tokens would otherwise cost 28 bytes more each."""
    prompter = make_prompter(byte_level(), PromptConfig(), tmp_path)
    first, second = prompter.continuation_ids(["=82\n", "=82\n"])
    assert all(left is right for left, right in zip(first, second, strict=True))

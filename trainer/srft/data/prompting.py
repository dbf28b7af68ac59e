"""From messages to the tokens a model continues: the rendered prompt, and the demonstration as its continuation.

A demonstration never passes through the template's assistant turn, since some templates drop the reasoning there: its
tokens are those the model itself would have to write after the prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from srft.config import PromptConfig
from srft.data.chat_template import Render, TemplateError, compile_template
from srft.data.places import shown_path
from srft.data.token_text import token_bytes
from srft.errors import InputError
from srft.rows import Problem

_MARK = "qqzzqq"
"""A word no template writes by itself; marks the assistant's words when looking for what closes a turn."""


@dataclass(frozen=True)
class Prompter:
    """A tokenizer, a template and the recipe's settings, ready for problems."""

    tokenizer: Any
    settings: PromptConfig
    render: Render
    end_token_id: int
    """What closes the assistant's turn."""
    end_token_ids: frozenset[int]

    @cached_property
    def table(self) -> list[bytes]:
        """Bytes of every token id."""
        return token_bytes(self.tokenizer)

    @cached_property
    def adds_prefix_space(self) -> bool:
        """Does the tokenizer put a space before every text it is given? Then a continuation needs care."""
        return self._bytes(_encode(self.tokenizer, ["x"])[0]) == b" x"

    @cached_property
    def unknown_token_id(self) -> int | None:
        """The token that stands for what the tokenizer cannot write; None when it has none of that sole purpose."""
        unknown, others = self.tokenizer.unk_token_id, (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id)
        return None if unknown in others or unknown in self.end_token_ids else unknown

    @cached_property
    def shared_ints(self) -> list[int]:
        """One int object an id: tens of millions of tokens then cost 8 bytes each, not 36."""
        return list(range(len(self.table)))

    def prompt_text(self, messages: Sequence[dict[str, str]], place: str) -> str:
        """The rendered generation prompt, special tokens spelled out."""
        if self.settings.system is not None:
            if messages[0]["role"] == "system":
                raise InputError(
                    "the problem begins with a system message, and `prompt.system` gives another",
                    where=place,
                    remedy="remove one of the two",
                )
            messages = [{"role": "system", "content": self.settings.system}, *messages]
        try:
            return self.render(messages, True)
        except TemplateError as error:
            raise InputError(
                f"the chat template refuses the messages ({error})",
                where=place,
                remedy="mend the problem, or give another template as `prompt.chat_template`",
            ) from None

    def prompt_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Tokens of rendered prompts, nothing added."""
        return [self._shared(ids) for ids in _encode(self.tokenizer, texts)]

    def opened_tag(self, prompt_text: str) -> bool:
        """Did the prompt itself open the reasoning?"""
        return prompt_text.rstrip().endswith(self.settings.think_tags[0])

    def continuation_text(self, prompt_text: str, demonstration: str) -> str:
        """The demonstration as it continues the prompt: without a tag the prompt opened, without its own end token."""
        text = demonstration
        for end in sorted(self.end_token_ids):
            token = self.table[end].decode(errors="replace")
            if token and text.rstrip().endswith(token):
                text = text.rstrip().removesuffix(token)
        if self.opened_tag(prompt_text):
            opening = self.settings.think_tags[0]
            if text.lstrip().startswith(opening):
                space_after_tag = prompt_text[len(prompt_text.rstrip()) :]
                text = text.lstrip().removeprefix(opening).removeprefix(space_after_tag)
        return text

    def continuation_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Tokens of texts that follow something else, nothing added before or after."""
        if not self.adds_prefix_space:
            return [self._shared(ids) for ids in _encode(self.tokenizer, texts)]
        # Written after a line break, whose own tokens are then taken off, a text gets no space before it.
        start = _encode(self.tokenizer, ["\n"])[0]
        plain = _encode(self.tokenizer, texts)
        after_break = _encode(self.tokenizer, ["\n" + text for text in texts])
        return [
            self._shared(after[len(start) :] if after[: len(start)] == start else alone)
            for after, alone in zip(after_break, plain, strict=True)
        ]

    def text_of(self, ids: Sequence[int]) -> str:
        """The text of tokens, special tokens spelled out."""
        return self._bytes(ids).decode(errors="replace")

    def _bytes(self, ids: Sequence[int]) -> bytes:
        return b"".join(self.table[index] for index in ids)

    def _shared(self, ids: Sequence[int]) -> tuple[int, ...]:
        return tuple(map(self.shared_ints.__getitem__, ids))


def make_prompter(
    tokenizer: Any, settings: PromptConfig, base_dir: Path, end_token_ids: Sequence[int] | None = None
) -> Prompter:
    """Compile the template and find the end token.

    `end_token_ids` are those of the model's generation configuration; None takes the tokenizer's own.
    Raises `InputError` when there is no template, it does not compile, or there is no end token.
    """
    source, where = _template_source(tokenizer, settings, base_dir)
    special_tokens = {
        name: str(token) for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)
    }
    try:
        render = compile_template(source, special_tokens, settings.date)
    except TemplateError as error:
        raise InputError(
            f"the chat template does not compile ({error})", where=where, remedy="correct it, or give another"
        ) from None
    ends = list(end_token_ids if end_token_ids is not None else [])
    if not ends and tokenizer.eos_token_id is not None:
        ends = [tokenizer.eos_token_id]
    if not ends:
        raise InputError(
            "the model has no end token, neither in its generation configuration nor in its tokenizer",
            where=where,
            remedy="set `eos_token` in tokenizer_config.json",
        )
    return Prompter(tokenizer, settings, render, _closing_token(tokenizer, render, ends), frozenset(ends))


def _template_source(tokenizer: Any, settings: PromptConfig, base_dir: Path) -> tuple[str, str]:
    if settings.chat_template is not None:
        path = base_dir / settings.chat_template
        try:
            return path.read_text(encoding="utf-8-sig"), shown_path(path)
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise InputError(
                f"the chat template cannot be read ({reason})",
                where=shown_path(path),
                remedy="correct `prompt.chat_template`",
            ) from None
    where = str(getattr(tokenizer, "name_or_path", "") or "the model's tokenizer")
    try:
        return tokenizer.get_chat_template(), where
    except (ValueError, AttributeError):
        raise InputError(
            "the model has no chat template", where=where, remedy="give a Jinja file as `prompt.chat_template`"
        ) from None


def _closing_token(tokenizer: Any, render: Render, end_token_ids: Sequence[int]) -> int:
    """The first end token the template writes after the assistant's words; the first of all when it writes none."""
    turns = [{"role": "user", "content": "1"}, {"role": "assistant", "content": _MARK}]
    try:
        _, mark, rest = render(turns, False).rpartition(_MARK)
    except TemplateError:
        return end_token_ids[0]
    after = _encode(tokenizer, [rest])[0] if mark and rest else []
    return next((index for index in after if index in set(end_token_ids)), end_token_ids[0])


def _encode(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    return tokenizer(list(texts), add_special_tokens=False)["input_ids"] if texts else []


# ---------------------------------------------------------------- the seam


@dataclass(frozen=True, slots=True, kw_only=True)
class Seam:
    """Where the prompt ends and the response begins, for a person to look at."""

    prompt_tail: tuple[str, ...]
    """The last tokens of the prompt."""
    response_head: tuple[str, ...]
    """The first tokens of the demonstration; empty when there is none."""
    response_tail: tuple[str, ...]
    joint_differs: bool
    """Tokenising prompt and response as one text would give other tokens; harmless, the model never sees those."""
    opened_tag: bool

    def __str__(self) -> str:
        parts = [" ".join(map(repr, self.prompt_tail)), " ".join(map(repr, self.response_head)) or "(no demonstration)"]
        text = " | ".join(parts)
        if self.response_tail:
            text += " … " + " ".join(map(repr, self.response_tail))
        notes = ["the prompt opens the reasoning"] if self.opened_tag else []
        notes += ["as one text it would be tokenised differently"] if self.joint_differs else []
        return text + (f"  ({'; '.join(notes)})" if notes else "")


def seam_report(problem: Problem, tokenizer: Any, tokens: int = 8) -> Seam:
    """The seam of one problem, `tokens` on each side."""
    table = token_bytes(tokenizer)

    def shown(ids: Sequence[int]) -> tuple[str, ...]:
        return tuple(table[index].decode(errors="replace") for index in ids)

    response = problem.demonstration_ids or ()
    text = b"".join(table[index] for index in (*problem.prompt_ids, *response)).decode(errors="replace")
    joint = tuple(_encode(tokenizer, [text])[0])
    return Seam(
        prompt_tail=shown(problem.prompt_ids[-tokens:]),
        response_head=shown(response[:tokens]),
        response_tail=shown(response[max(tokens, len(response) - 3) :]),
        joint_differs=joint != (*problem.prompt_ids, *response),
        opened_tag=problem.opened_tag,
    )

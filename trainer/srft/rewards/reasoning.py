"""The parts of a response: reasoning, answer, boxes; and whether it has the form a gate asks for. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from srft.config import FormatGate

_BOX_OR_BRACE = re.compile(r"\\boxed[ \t]*\{|\\.|[{}]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Parts:
    """A response taken apart."""

    reasoning: str
    """Inside the think block; all text when it has no tags."""
    answer: str
    """After the last closing tag; all text when there is none."""


def take_apart(text: str, think_tags: tuple[str, str]) -> Parts:
    """Split a response at its think tags; a block the prompt opened needs only the closing one."""
    opening, closing = think_tags
    before, found, answer = text.rpartition(closing)
    if not found:
        return Parts(reasoning=text.partition(opening)[2] or text, answer=text)
    _, opened, inside = before.partition(opening)
    return Parts(reasoning=inside if opened else before, answer=answer)


def form_fault(
    text: str, gate: FormatGate, think_tags: tuple[str, str], *, opened_tag: bool, ended: bool
) -> str | None:
    """What breaks the form, in a few words; None when nothing does.

    `opened_tag`: the prompt itself opened the block. `ended`: the response ended by itself.
    """
    if gate.require_end and not ended:
        return "form: not ended"
    if not gate.require_think:
        return None
    opening, closing = think_tags
    opened, closed = text.count(opening) + opened_tag, text.count(closing)
    if opened != 1:
        return f"form: {opened} of {opening}"
    if closed != 1:
        return f"form: {closed} of {closing}"
    at = text.index(closing)
    if not opened_tag and text.index(opening) > at:
        return f"form: {closing} before {opening}"
    if not text[at + len(closing) :].strip():
        return f"form: nothing after {closing}"
    return None


def boxes(text: str) -> list[str]:
    r"""The content of every closed `\boxed{…}` that is not inside another, in order. One pass; `\{` opens nothing."""
    found: list[tuple[int, int, int]] = []
    stack: list[tuple[bool, int, int]] = []
    for token in _BOX_OR_BRACE.finditer(text):
        piece = token.group()
        if piece.endswith("{") and piece != "\\{":
            stack.append((len(piece) > 1, token.start(), token.end()))
        elif piece == "}" and stack:
            is_box, start, inside = stack.pop()
            if is_box:
                while found and found[-1][0] > start:
                    found.pop()
                found.append((start, inside, token.start()))
    return [text[inside:end] for _, inside, end in found]


def last_line(text: str) -> str | None:
    """The last line that is not blank."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), None)

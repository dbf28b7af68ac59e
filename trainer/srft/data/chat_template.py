"""Rendering a chat template as transformers does, except that today is the recipe's date.

transformers gives templates `strftime_now` as a global and turns functions among the keyword arguments into texts, so
the date cannot be frozen through `apply_chat_template`. The environment here is the documented one (sandboxed, trimmed
blocks, `raise_exception`, `tojson`, `{% generation %}`); a test holds its output equal to transformers'.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any


class TemplateError(Exception):
    """The template cannot be compiled, or refused the messages; the text says why."""


Render = Callable[[Sequence[dict[str, str]], bool], str]


def compile_template(source: str, special_tokens: dict[str, Any], date: str) -> Render:
    """A function (messages, add_generation_prompt) → text.

    `special_tokens` are the names templates use (`bos_token`, …); `date` is `YYYY-MM-DD`.
    The function raises `TemplateError`.
    """
    import jinja2

    try:
        template = _environment(date).from_string(source)
    except jinja2.TemplateError as error:
        raise TemplateError(_reason(error)) from None

    def render(messages: Sequence[dict[str, str]], add_generation_prompt: bool) -> str:
        try:
            return template.render(
                **special_tokens,
                messages=[dict(message) for message in messages],
                tools=None,
                documents=None,
                add_generation_prompt=add_generation_prompt,
            )
        except (jinja2.TemplateError, TypeError, ValueError, KeyError, ArithmeticError) as error:
            raise TemplateError(_reason(error)) from None

    return render


def _environment(date: str) -> Any:
    import jinja2
    from jinja2.ext import Extension
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """`{% generation %}` marks the assistant's words; for rendering it changes nothing."""

        def __init__(self, environment: Any) -> None:
            super().__init__(environment)
            self.tags = {"generation"}

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"]
    )
    today = datetime.strptime(date, "%Y-%m-%d")

    def raise_exception(message: str) -> None:
        raise jinja2.TemplateError(message)

    def to_json(
        value: Any,
        ensure_ascii: bool = False,
        indent: int | None = None,
        separators: tuple[str, str] | None = None,
        sort_keys: bool = False,
    ) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    environment.filters["tojson"] = to_json
    names: dict[str, Any] = {"raise_exception": raise_exception, "strftime_now": today.strftime}
    environment.globals.update(names)
    return environment


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(".")

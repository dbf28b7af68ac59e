"""A data set as problems: read, mapped, rendered and tokenised once, before the first step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from srft.config import ColumnMapping, DataConfig, PromptConfig
from srft.data.mapping import RawProblem, has_column, map_row, mapping_of
from srft.data.prompting import Prompter, make_prompter
from srft.data.source import read_rows
from srft.errors import InputError
from srft.rows import Problem

_CHUNK = 512


def load_problems(
    data: DataConfig,
    prompt: PromptConfig,
    tokenizer: Any,
    base_dir: Path,
    max_response_tokens: int,
    *,
    end_token_ids: Sequence[int] | None = None,
    answer_required: bool = True,
    watch: Callable[[int], None] | None = None,
) -> list[Problem]:
    """All problems of a data set, in its order.

    `end_token_ids` are those of the model's generation configuration (None: the tokenizer's own end token);
    `answer_required` is false when no reward compares with the answer (`rewards.needs_answer`).
    `watch` is told the number of problems so far, a few hundred at a time.
    Raises `InputError` at the first bad row, with its place.
    """
    prompter = make_prompter(tokenizer, prompt, base_dir, end_token_ids)
    raw = read_problems(data, base_dir, answer_required=answer_required)
    problems: list[Problem] = []
    while chunk := list(islice(raw, _CHUNK)):
        problems += _tokenise(chunk, prompter, max_response_tokens)
        if watch is not None:
            watch(len(problems))
    return problems


def read_problems(data: DataConfig, base_dir: Path, *, answer_required: bool = True) -> Iterator[RawProblem]:
    """The rows of a data set, mapped and checked, without any tokenizer."""
    mapping = mapping_of(data)
    seen: dict[str, str] = {}
    demonstration_seen = False
    for position, row in enumerate(read_rows(data, base_dir), start=1):
        problem = map_row(row, position, mapping, answer_required=answer_required)
        if problem.id in seen:
            raise InputError(
                f"the id `{problem.id}` was already at {seen[problem.id]}",
                where=problem.place,
                remedy="give each row its own id",
            )
        seen[problem.id] = problem.place
        demonstration_seen = demonstration_seen or _names_demonstration(mapping, row.columns)
        yield problem
    if not demonstration_seen and mapping.demonstration not in (None, ColumnMapping().demonstration):
        raise InputError(
            f"no row has the column `{mapping.demonstration}`, which the mapping names for demonstrations",
            where=data.path,
            remedy="correct `columns.demonstration`, or set it to null",
        )


def require_demonstrations(problems: Sequence[Problem], data_path: str, method: str) -> None:
    """Raise `InputError` when a method that learns from demonstrations got a data set without any."""
    if not any(problem.demonstration_ids for problem in problems):
        raise InputError(
            f"none of the {len(problems)} problems has a demonstration, and the method `{method}` needs some",
            where=data_path,
            remedy="add demonstrations, correct `data.columns.demonstration`, or choose the method `grpo`",
        )


def _names_demonstration(mapping: ColumnMapping, columns: Any) -> bool:
    return mapping.demonstration is not None and has_column(columns, mapping.demonstration)


def _tokenise(chunk: Sequence[RawProblem], prompter: Prompter, max_response_tokens: int) -> list[Problem]:
    texts = [prompter.prompt_text(raw.messages, raw.place) for raw in chunk]
    demonstrations = [
        None if raw.demonstration is None else prompter.continuation_text(text, raw.demonstration)
        for raw, text in zip(chunk, texts, strict=True)
    ]
    given = iter(prompter.continuation_ids([text for text in demonstrations if text is not None]))
    result = []
    for raw, text, ids, demonstration in zip(chunk, texts, prompter.prompt_ids(texts), demonstrations, strict=True):
        if not ids or len(ids) > prompter.settings.max_tokens:
            limit = prompter.settings.max_tokens
            raise InputError(
                f"the prompt has {len(ids)} tokens, more than `prompt.max_tokens` ({limit})"
                if ids
                else "the prompt is empty",
                where=raw.place,
                remedy="raise the limit, or shorten or remove the row",
            )
        _check_known(ids, "prompt", raw, prompter)
        demonstration_ids, whole_tokens = None, 0
        if demonstration is not None:
            demonstration_ids = next(given)
            _check_known(demonstration_ids, "demonstration", raw, prompter)
            _check_unended(demonstration_ids, raw, prompter)
            whole_tokens = len(demonstration_ids) + 1
            if whole_tokens > max_response_tokens:
                demonstration_ids = demonstration_ids[:max_response_tokens]
                demonstration = prompter.text_of(demonstration_ids)
            else:
                demonstration_ids = (*demonstration_ids, prompter.end_token_id)
        result.append(
            Problem(
                id=raw.id,
                prompt_text=text,
                prompt_ids=ids,
                answer=raw.answer,
                question=raw.question,
                opened_tag=prompter.opened_tag(text),
                demonstration_text=demonstration,
                demonstration_ids=demonstration_ids,
                demonstration_tokens=whole_tokens,
                columns=raw.columns,
                place=raw.place,
            )
        )
    return result


def _check_known(ids: Sequence[int], meaning: str, raw: RawProblem, prompter: Prompter) -> None:
    if prompter.unknown_token_id in ids:
        raise InputError(
            f"the tokenizer has no token for a character of the {meaning}",
            where=raw.place,
            remedy="write it with other characters, or remove the row",
        )


def _check_unended(ids: Sequence[int], raw: RawProblem, prompter: Prompter) -> None:
    """No response of the model can go on after an end token, so no demonstration may."""
    if not prompter.end_token_ids.isdisjoint(ids):
        end = next(index for index in ids if index in prompter.end_token_ids)
        raise InputError(
            f"the demonstration holds the end token {prompter.text_of([end])} before its end",
            where=raw.place,
            remedy="remove the token from the text",
        )

"""`srft verify RECIPE`: the recipe's judge as JSON lines on stdin and stdout, for the editor and for scripts.

In:  `{"id": …, "response": …}`, and if wanted `prompt`, `answer`, `row` (without `answer`, the recipe's data is asked
     by `id`), `opened_tag` (the prompt opened the reasoning; else guessed from the tags), `ended` (else true), `length`
     and `max_tokens` (for the overlong penalty).
Out: `{"id": …, "reward": …, "parts": {…}, "correct": …, "note": …}`; for a line that is no request
     `{"error": …, "line": …}`.

For a debugger there are `--in-process` (a user's function is called here, without its time limit) and `--where`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, TextIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from srft.config import Recipe
from srft.data.mapping import RawProblem
from srft.data.places import shown_path
from srft.data.problems import read_problems
from srft.errors import InputError
from srft.recipe import LoadedRecipe
from srft.rewards import InProcess, Judge, Response, StartFunction, in_own_process, needs_answer
from srft.rows import Problem


class VerifyRequest(BaseModel):
    """One line of input."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str | int
    response: str
    prompt: str | None = None
    answer: str | None = None
    row: dict[str, Any] | None = None
    opened_tag: bool | None = None
    ended: bool = True
    length: int | None = Field(None, ge=0)
    max_tokens: int | None = Field(None, ge=1)


def run_verify(
    loaded: LoadedRecipe,
    stdin: Iterable[str] | Iterable[bytes],
    stdout: TextIO,
    start_function: StartFunction = in_own_process,
) -> None:
    """Judge every line of `stdin`, one line of `stdout` each, flushed at once; a bad line is answered, not fatal.

    Raises `InputError` when the judge itself cannot be made.
    """
    recipe, tags = loaded.recipe, loaded.recipe.prompt.think_tags
    problems = _Problems(loaded)
    with Judge(recipe.reward, loaded.base_dir, think_tags=tags, start_function=start_function) as judge:
        for number, line in enumerate(stdin, start=1):
            if not line.strip():
                continue
            try:
                reply = _judged(_parsed(line), judge, problems, recipe)
            except InputError as error:
                reply = {"error": f"{error.what}; {error.remedy}", "line": number}
            stdout.write(json.dumps(reply) + "\n")
            stdout.flush()


def run_where(loaded: LoadedRecipe, stdout: TextIO) -> None:
    """Say where each of the recipe's `python` functions begins, one line each: `{"file": …, "line": …}`.

    Raises `InputError` for one that cannot be loaded, or is not written in Python.
    """
    functions: list[InProcess] = []

    def started(path: Path, function: str, stderr: IO[Any] | int) -> InProcess:
        functions.append(InProcess(path, function, stderr))
        return functions[-1]

    with Judge(loaded.recipe.reward, loaded.base_dir, start_function=started):
        for function in functions:
            stdout.write(json.dumps(asdict(function.place())) + "\n")


def read_lines(path: Path) -> list[bytes]:
    """The lines of a file of requests; raises `InputError`."""
    try:
        return path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(
            f"the requests cannot be read ({error.strerror})", where=shown_path(path), remedy="correct `--input`"
        ) from None


class _Problems:
    """The recipe's problems by id, read when first asked for: training, then both evaluation sets."""

    def __init__(self, loaded: LoadedRecipe) -> None:
        self._loaded = loaded
        self._by_id: dict[str, RawProblem] | None = None

    def find(self, name: str) -> RawProblem:
        """The problem of this id; raises `InputError`."""
        if self._by_id is None:
            self._by_id = self._read()
        if name not in self._by_id:
            raise InputError(
                f"there is no `answer`, and no problem of the recipe has the id `{name}`",
                where="stdin",
                remedy="give the answer, or an id of the recipe's data",
            )
        return self._by_id[name]

    def _read(self) -> dict[str, RawProblem]:
        recipe, base_dir = self._loaded.recipe, self._loaded.base_dir
        sets = [recipe.data, *(part.data for part in (recipe.evaluation, recipe.final_evaluation) if part)]
        required = needs_answer(recipe.reward)
        found: dict[str, RawProblem] = {}
        for data in sets:
            for problem in read_problems(data, base_dir, answer_required=required):
                found.setdefault(problem.id, problem)
        return found


def _parsed(line: str | bytes) -> VerifyRequest:
    try:
        text = line.decode("utf-8-sig") if isinstance(line, bytes) else line
        return VerifyRequest.model_validate_json(text)
    except UnicodeDecodeError:
        raise InputError("the line is not UTF-8", where="stdin", remedy="write UTF-8") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        what = f"`{key}`: {first['msg']}" if key else str(first["msg"])
        raise InputError(what, where="stdin", remedy='write {"id": …, "response": …, "answer": …}') from None


def _judged(request: VerifyRequest, judge: Judge, problems: _Problems, recipe: Recipe) -> Mapping[str, Any]:
    response = Response(
        problem=_problem(request, problems, recipe),
        text=request.response,
        ended=request.ended,
        length_tokens=request.length,
        max_tokens=request.max_tokens,
    )
    verdict = judge.score([response])[0]
    return {
        "id": request.id,
        "reward": verdict.reward,
        "parts": dict(verdict.parts),
        "correct": verdict.correct,
        "note": verdict.note,
    }


def _problem(request: VerifyRequest, problems: _Problems, recipe: Recipe) -> Problem:
    """What the judge needs of the problem; never tokenised here."""
    opening, closing = recipe.prompt.think_tags
    opened_tag = request.opened_tag
    if opened_tag is None:
        opened_tag = closing in request.response and opening not in request.response
    answer, prompt, row = request.answer, request.prompt, request.row
    if answer is None and needs_answer(recipe.reward):
        known = problems.find(str(request.id))
        answer = known.answer
        prompt = known.question if prompt is None else prompt
        row = dict(known.columns) if row is None else row
    return Problem(
        id=str(request.id),
        prompt_text="",
        prompt_ids=(),
        answer=answer,
        question=prompt or "",
        opened_tag=opened_tag,
        columns=row or {},
    )

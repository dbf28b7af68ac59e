"""The judge: a response in, its reward, parts and correctness out.

R = sum of weight x part, or 0 when the form is broken, plus the overlong penalty. A part whose check fails counts 0, is
named in the note and counted; it never ends a run.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from srft.config import ExactReward, MathReward, PythonReward, RegexReward, Reward, RewardConfig, StepsReward
from srft.data.places import shown_path
from srft.errors import InputError
from srft.rewards.in_process import InProcess
from srft.rewards.reasoning import Parts, boxes, form_fault, take_apart
from srft.rewards.rules import exact_value, overlong_penalty, steps_value
from srft.rewards.worker import Worker, WorkerError, WorkerStartError, in_own_process
from srft.rows import Problem

_ALMOST = 1e-9
"""Weights such as 0.7 + 0.2 + 0.1 do not sum to 1.0 in floating point; so little is forgiven."""

UserFunction = Worker | InProcess
StartFunction = Callable[[Path, str, IO[Any] | int], UserFunction]
"""File, name and `stderr` to a function that can be called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What is judged."""

    problem: Problem
    text: str
    """Without a last end token (`data.response_text`); a think tag the prompt opened is not in it."""
    ended: bool
    """It ended by itself; a demonstration that was not cut did."""
    length_tokens: int | None = None
    """End token included; None: no overlong penalty."""
    max_tokens: int | None = None
    """The limit it was written under; None: no overlong penalty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the judge says."""

    reward: float
    parts: Mapping[str, float]
    """Every part by name, before its weight; `format` (1 or 0) where there is a gate, `overlong` where a penalty."""
    correct: bool
    """The sum of the parts, before the overlong penalty, reaches `correct_at`."""
    note: str | None
    """`timeout`, `error: …`, `form: …`; None when there is nothing to say."""


def needs_answer(reward: RewardConfig) -> bool:
    """Does any part compare with the reference answer? A `python` reward may do without one."""
    return any(
        isinstance(part, (ExactReward, MathReward)) or (isinstance(part, RegexReward) and not part.match_only)
        for part in reward.parts
    )


class Judge:
    """Judges responses; owns the worker processes and ends them.

    `stderr` receives what a user's function prints; `start_function` says where it runs. Raises `InputError` when a
    pattern or a user's file cannot be used.
    """

    def __init__(
        self,
        reward: RewardConfig,
        base_dir: Path,
        *,
        think_tags: tuple[str, str] = ("<think>", "</think>"),
        stderr: IO[Any] | int = subprocess.DEVNULL,
        start_function: StartFunction = in_own_process,
    ) -> None:
        self.reward, self.think_tags = reward, think_tags
        self.faults: Counter[str] = Counter()
        """How often each part failed so far: `math/timeout`, `score/error`."""
        self.code_hashes: dict[str, str] = {}
        """SHA-256 of each user's file, by its path in the recipe; for `run.json`."""
        self._workers: dict[str, UserFunction] = {}
        """By the name of the `python` part."""
        self._checks: dict[str, Worker] = {}
        """By kind: one for all `math` parts, one for all `regex` parts."""
        _check_patterns(reward)
        try:
            self._start(base_dir, stderr, start_function)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker processes."""
        for workers in (self._workers, self._checks):
            while workers:
                workers.popitem()[1].close()

    def score(self, responses: Iterable[Response]) -> list[Verdict]:
        """Judge responses, in their order."""
        return [self._verdict(response) for response in responses]

    def _verdict(self, response: Response) -> Verdict:
        values: dict[str, float] = {}
        notes: list[str] = []
        fault = self._form_fault(response)
        if self.reward.gate:
            values["format"] = float(fault is None)
        total, parts = 0.0, take_apart(response.text, self.think_tags)
        for reward in self.reward.parts:
            name = reward.name or reward.kind
            values[name] = 0.0
            if fault:
                continue
            try:
                value, inner = self._value(reward, name, response, parts)
            except WorkerError as error:
                kind = str(error).partition(":")[0]
                self.faults[f"{name}/{kind}"] += 1
                notes.append(str(error) if len(self.reward.parts) == 1 else f"{error} ({name})")
                continue
            values[name] = value
            values |= {f"{name}.{key}": item for key, item in inner.items()}
            total += reward.weight * value
        correct = fault is None and total >= self.reward.correct_at - _ALMOST
        if self.reward.overlong_buffer and response.length_tokens is not None and response.max_tokens is not None:
            values["overlong"] = overlong_penalty(
                response.length_tokens, response.max_tokens, self.reward.overlong_buffer
            )
            total += values["overlong"]
        return Verdict(reward=total, parts=values, correct=correct, note=fault or "; ".join(notes) or None)

    def _form_fault(self, response: Response) -> str | None:
        gate, opened_tag = self.reward.gate, response.problem.opened_tag
        if gate is None:
            return None
        return form_fault(response.text, gate, self.think_tags, opened_tag=opened_tag, ended=response.ended)

    def _value(self, reward: Reward, name: str, response: Response, parts: Parts) -> tuple[float, Mapping[str, float]]:
        """(value, parts inside it) of one reward; raises `WorkerError`."""
        answer = response.problem.answer
        match reward:
            case StepsReward():
                return steps_value(reward, parts), {}
            case PythonReward():
                reply = self._workers[name].call(
                    {
                        "prompt": response.problem.question,
                        "response": response.text,
                        "answer": answer,
                        "row": dict(response.problem.columns),
                    },
                    reward.timeout_seconds,
                )
                return reply["value"], reply.get("parts", {})
            case RegexReward():
                reference = None if reward.match_only else answer or ""
                request = {"task": "regex", "pattern": reward.pattern, "text": response.text, "answer": reference}
                return float(self._checks[reward.kind].call(request, reward.timeout_seconds)["value"]), {}
            case ExactReward():
                return (0.0 if answer is None else exact_value(reward, parts, answer)), {}
            case MathReward():
                if answer is None:
                    return 0.0, {}
                found = boxes(parts.answer)
                text = f"\\boxed{{{found[-1]}}}" if found else parts.answer
                request = {"task": "math", "answer": answer, "text": text}
                return float(self._checks[reward.kind].call(request, reward.timeout_seconds)["value"]), {}

    def _start(self, base_dir: Path, stderr: IO[Any] | int, start_function: StartFunction) -> None:
        for kind in {reward.kind for reward in self.reward.parts} & {"math", "regex"}:
            self._checks[kind] = Worker("check_worker.py", [kind])
        for position, reward in enumerate(self.reward.parts):
            if isinstance(reward, PythonReward):
                path = base_dir / reward.path
                try:
                    self.code_hashes[reward.path] = hashlib.sha256(path.read_bytes()).hexdigest()
                except OSError as error:
                    raise InputError(
                        f"the reward's file cannot be read ({error.strerror})",
                        where=shown_path(path),
                        remedy=f"correct `reward.parts.{position}.path`",
                    ) from None
                name = reward.name or reward.kind
                self._workers[name] = start_function(path.resolve(), reward.function, stderr)
        for reward in self.reward.parts:
            if isinstance(reward, PythonReward):
                _wait_for_file(self._workers[reward.name or reward.kind], base_dir / reward.path, reward.function)


def _check_patterns(reward: RewardConfig) -> None:
    for position, part in enumerate(reward.parts):
        if isinstance(part, RegexReward):
            try:
                re.compile(part.pattern)
            except (re.error, OverflowError, RecursionError) as error:
                raise InputError(
                    f"the pattern is no regular expression ({error})",
                    where=f"reward.parts.{position}.pattern",
                    remedy="correct it; in JSON a backslash is written twice",
                ) from None


def _wait_for_file(worker: UserFunction, path: Path, function: str) -> None:
    try:
        worker.wait_ready()
    except WorkerStartError as error:
        raise InputError(
            f"the reward's function `{function}` cannot be loaded ({error})",
            where=shown_path(path),
            remedy=f"let the file define `def {function}(prompt, response, answer, row)`",
        ) from None

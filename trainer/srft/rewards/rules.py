"""The rewards that need no other process. Pure: text in, number out."""

from __future__ import annotations

import re

from srft.config import ExactReward, StepsReward
from srft.rewards.reasoning import Parts, boxes, last_line

_STEP = re.compile(r"[ \t]*(-?[0-9]+)[ \t]*([+-])[ \t]*([0-9]+)[ \t]*=[ \t]*(-?[0-9]+)[ \t]*")
_MAX_DIGITS = 18
"""Longer numbers are wrong: turning thousands of digits into a number takes quadratic time, and Python refuses it."""


def exact_value(reward: ExactReward, parts: Parts, answer: str) -> float:
    """1 when the extracted answer equals the reference, runs of white space taken as one blank."""
    found = _extracted(reward.extract, parts)
    return float(found is not None and found.split() == answer.split())


def _extracted(where: str, parts: Parts) -> str | None:
    match where:
        case "boxed":
            found = boxes(parts.answer)
            return found[0] if len(found) == 1 else None
        case "last_line":
            return last_line(parts.answer)
        case _:
            return parts.answer


def steps_value(reward: StepsReward, parts: Parts) -> float:
    """Share of right lines among the lines `a+b=c`, `a-b=c` of the reasoning; 0 when there is none."""
    right, total, result, chained = 0, 0, None, True
    for line in parts.reasoning.splitlines():
        step = _STEP.fullmatch(line)
        if step is None:
            continue
        total += 1
        left, sign, right_hand, given = step.groups()
        if max(map(len, (left, right_hand, given))) > _MAX_DIGITS:
            chained = False
            continue
        expected = int(left) + int(right_hand) if sign == "+" else int(left) - int(right_hand)
        right += expected == int(given)
        chained = chained and result in (None, int(left))
        result = int(given)
    if not total:
        return 0.0
    if reward.all_or_nothing:
        return float(right == total and chained)
    return right / total


def overlong_penalty(length_tokens: int, max_tokens: int, buffer_tokens: int) -> float:
    """DAPO's soft overlong penalty (arXiv 2503.14476): 0 up to the buffer, then linear down to -1 at the limit."""
    start = max_tokens - buffer_tokens
    if buffer_tokens == 0 or length_tokens <= start:
        return 0.0
    return max(-1.0, (start - length_tokens) / buffer_tokens)

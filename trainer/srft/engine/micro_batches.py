"""Which rows go through the model together."""

from __future__ import annotations

from collections.abc import Sequence


def plan_micro_batches(
    rows: Sequence[tuple[Sequence[int], int]], max_tokens: int, *, shares_prompts: bool
) -> list[list[int]]:
    """Row numbers of each pass, for (prompt_ids, response length). See `TrainingPass.micro_batches`.

    Where prompts are shared a prompt counts once for each pass it is in, otherwise once for each row.
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for number, (prompt_ids, _) in enumerate(rows):
        groups.setdefault(tuple(prompt_ids), []).append(number)
    prompts = sorted(groups, key=lambda prompt: -max(len(prompt) + rows[number][1] for number in groups[prompt]))
    passes: list[list[int]] = []
    room = 0
    for prompt in prompts:
        members = sorted(groups[prompt], key=lambda number: -rows[number][1])
        each = 0 if shares_prompts else len(prompt)
        once = len(prompt) if shares_prompts else 0
        whole = once + sum(each + rows[number][1] for number in members)
        if passes and whole <= room:
            passes[-1] += members
            room -= whole
            continue
        # A group that does not fit as a whole begins a pass of its own, and is cut only if it exceeds even that.
        begins = True
        for number in members:
            tokens = each + rows[number][1] + (once if begins else 0)
            if begins or tokens > room:
                passes.append([])
                room = max_tokens
                tokens = each + rows[number][1] + once
                begins = False
            passes[-1].append(number)
            room -= tokens
    return [sorted(numbers) for numbers in passes]

"""docs/experiments.md: the tables from the figures, between two marks; the words around them are written by people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev

from experiments.one_run import Result
from experiments.settings import METHODS, SETTINGS

BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
"""Student's t for a two-sided 95 % interval, by number of values."""
NAMES = {"srft": "SRFT", "sft": "SFT", "grpo": "GRPO", "luffy": "LUFFY", "sft_rl": "SFT → RL"}


def write_document(path: Path, results: Sequence[Result], seconds: float) -> None:
    """Replace the tables of the document."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n\n{tables(results, seconds)}\n{END}{after}", encoding="utf-8")


def tables(results: Sequence[Result], seconds: float) -> str:
    """One table a setting that has results."""
    parts = []
    for setting in SETTINGS:
        rows = [result for result in results if result.setting == setting.name]
        if not rows:
            continue
        seeds = len({row.seed for row in rows})
        parts.append(
            f"### {setting.name}\n\n{setting.sentence}\n"
            f"{seconds:g} s of training on one core, {seeds} seeds; mean and 95 % interval of the mean.\n\n"
            "| method | steps | held-out, greedy | every step right | avg@8, T = 1 | pass@8 |\n"
            "|---|---|---|---|---|---|"
        )
        for method in METHODS:
            of_method = [row for row in rows if row.method == method]
            if of_method:
                cells = [f"{mean(row.steps for row in of_method):.0f}"] + [
                    interval([getattr(row, name) for row in of_method])
                    for name in ("accuracy", "steps_valid", "sampled", "pass_at_8")
                ]
                parts.append(f"| {NAMES[method]} | {' | '.join(cells)} |")
        parts.append("")
    return "\n".join(parts)


def interval(values: Sequence[float]) -> str:
    """`0.912 ± 0.010`."""
    if len(values) < 2:
        return f"{values[0]:.3f}"
    spread = T_95[len(values)] * stdev(values) / math.sqrt(len(values))
    return f"{mean(values):.3f} ± {spread:.3f}"

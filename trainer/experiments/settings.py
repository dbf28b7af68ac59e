"""What is compared: methods, and settings of the demonstrations in which they are compared."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DEMO = Path(__file__).resolve().parents[1] / "demo"
METHODS = ("srft", "sft", "grpo", "luffy", "sft_rl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A way the demonstrations are."""

    name: str
    sentence: str
    change: Callable[[dict, random.Random], dict | None]
    """A row of the demo's training set as this setting has it; None leaves it out."""

    def write(self, path: Path) -> None:
        """The training set of this setting."""
        draw = random.Random(0)
        with (
            (DEMO / "data" / "train.jsonl").open(encoding="utf-8") as source,
            path.open("w", encoding="utf-8") as target,
        ):
            for line in source:
                row = self.change(json.loads(line), draw)
                if row is not None:
                    target.write(json.dumps(row) + "\n")


def _as_they_are(row: dict, draw: random.Random) -> dict:
    return row


def _for_a_share(share: float) -> Callable[[dict, random.Random], dict]:
    def change(row: dict, draw: random.Random) -> dict:
        return row if draw.random() < share else {**row, "demonstration": None}

    return change


def _wrong_for_a_share(share: float) -> Callable[[dict, random.Random], dict]:
    """The last result of some demonstrations is off by one, and so is their answer: they look well and teach wrong."""

    def change(row: dict, draw: random.Random) -> dict:
        demonstration = row.get("demonstration")
        if demonstration is None or draw.random() >= share:
            return row
        right = row["answer"]
        wrong = str(int(right) + draw.choice([-1, 1]))
        spoiled = demonstration.replace(f"={right}\n</think>", f"={wrong}\n</think>")
        return {**row, "demonstration": spoiled.replace(f"\\boxed{{{right}}}", f"\\boxed{{{wrong}}}")}

    return change


SETTINGS = (
    Setting(name="demo", sentence="The demo's own training set.", change=_as_they_are),
    Setting(
        name="few",
        sentence="One problem in twenty has a demonstration (about 25 in all).",
        change=_for_a_share(0.05),
    ),
    Setting(
        name="noisy",
        sentence="Half of the demonstrations end in a wrong result.",
        change=_wrong_for_a_share(0.5),
    ),
)

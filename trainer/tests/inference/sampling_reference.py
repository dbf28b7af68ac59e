"""What the sampler draws, for the extension's to draw the same.

`python -m tests.inference.sampling_reference` writes test/fixtures/sampling.json; `test_sampling_reference.py` checks
that it is up to date.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from srft.engine.sampling import Settings, choose, uniform
from srft.rows import Request, SamplingSettings

FILE = Path(__file__).parents[3] / "test/fixtures/sampling.json"
VOCABULARY = 2600  # More than two blocks of the sampler's sums.
SEEDS = (0, 1, 2**31, 2**53 - 1)
POSITIONS = (0, 1, 7, 500, 70_000)
SAMPLINGS: tuple[dict[str, Any], ...] = (
    {"temperature": 1.0},
    {"temperature": 0.0},
    {"temperature": 1.0, "top_k": 5},
    {"temperature": 1.0, "top_p": 0.6},
    {"temperature": 1.0, "min_p": 0.2},
    {"temperature": 1.0, "top_k": 40, "top_p": 0.9, "min_p": 0.05},
)


def logits() -> torch.Tensor:
    """[V] that fall off slowly, with ties."""
    index = np.arange(VOCABULARY)
    return torch.from_numpy(((index * 7919) % 2603 % 31 * 0.5 - (index % 13) * 0.25).astype(np.float32))


def reference() -> dict[str, Any]:
    """Random numbers and, for each setting, the tokens of all seeds and positions."""
    pairs = [(seed, position) for seed in SEEDS for position in POSITIONS]
    seeds = np.array([seed for seed, _ in pairs], dtype=np.uint64)
    positions = np.array([position for _, position in pairs], dtype=np.int64)
    draws = []
    for sampling in SAMPLINGS:
        settings = SamplingSettings(max_tokens=1, **sampling)
        requests = [Request(id=0, prefix_ids=(0,), settings=settings, seed=seed) for seed in SEEDS]
        row_B = np.repeat(np.arange(len(SEEDS)), len(POSITIONS))
        chosen = choose(logits().expand(len(pairs), -1).clone(), Settings.of(requests), row_B, positions)
        draws.append({"sampling": sampling, "ids": [int(token) for token in chosen[0].tolist()]})
    return {
        "pairs": [[str(seed), position] for seed, position in pairs],
        "uniform": uniform(seeds, positions).tolist(),
        "logits": logits().tolist(),
        "draws": draws,
    }


def main() -> None:
    """Writes it anew."""
    FILE.write_text(json.dumps(reference(), separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""The sampler against transformers' `generate` with its own (dynamic) cache: the demo's model and problems, greedy.

`python -m benchmarks.sampler` prints a line a batch and, last, one JSON object. Both sides write the same texts, which
is checked token by token, and both stop a row at its end token. Every prompt is another one, so ours shares no prefill
here; it keeps log-probs and entropies, `generate` does not.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import torch
from transformers import GenerationConfig

from benchmarks.measuring import DEMO, Timed, figures_of_pairs, print_figures
from srft.preparation import Prepared, prepared
from srft.recipe import load_recipe
from srft.rows import Problem, Request, SamplingSettings

MAX_TOKENS = 128
KEY = "sampler_vs_generate"
BATCHES = {128: KEY, 64: f"{KEY}_64"}


def write_ours(ready: Prepared, problems: Sequence[Problem]) -> list[list[int]]:
    """Token ids of each greedy answer, its end token included."""
    settings = SamplingSettings(temperature=0.0, max_tokens=MAX_TOKENS)
    requests = [
        Request(id=place, prefix_ids=problem.prompt_ids, settings=settings, seed=place)
        for place, problem in enumerate(problems)
    ]
    samples = {sample.request_id: sample for sample in ready.collector.sampler.sample(requests, policy_version=0)}
    return [samples[place].token_ids.tolist() for place in range(len(problems))]


def write_theirs(ready: Prepared, problems: Sequence[Problem]) -> list[list[int]]:
    """The same from `generate`, padded on the left as it wants it."""
    model: Any = ready.policy.model
    ends, pad = sorted(ready.policy.end_token_ids), int(model.generation_config.pad_token_id)
    width = max(len(problem.prompt_ids) for problem in problems)
    rows = [[pad] * (width - len(problem.prompt_ids)) + list(problem.prompt_ids) for problem in problems]
    masks = [[0] * (width - len(problem.prompt_ids)) + [1] * len(problem.prompt_ids) for problem in problems]
    output = model.generate(
        input_ids=torch.tensor(rows),
        attention_mask=torch.tensor(masks),
        generation_config=GenerationConfig(
            do_sample=False, max_new_tokens=MAX_TOKENS, eos_token_id=ends, pad_token_id=pad
        ),
    )
    return [_until_end(row, ends) for row in output[:, width:].tolist()]


def _until_end(ids: Sequence[int], ends: Sequence[int]) -> list[int]:
    place = next((place for place, token in enumerate(ids) if token in ends), len(ids))
    return list(ids[: place + 1])


def measure(ready: Prepared, batch: int, rounds: int) -> dict[str, float]:
    """The figures of one batch size; the first round warms up and is not counted."""
    problems = ready.held_out[:batch]
    theirs, ours = [], []
    for number in range(rounds + 1):
        start = time.perf_counter()
        their_ids = write_theirs(ready, problems)
        middle = time.perf_counter()
        our_ids = write_ours(ready, problems)
        end = time.perf_counter()
        different = sum(one != other for one, other in zip(their_ids, our_ids, strict=True))
        if different:
            raise RuntimeError(f"{different} of {batch} answers differ from those of generate")
        tokens = sum(map(len, our_ids))
        if number > 0:
            theirs.append(Timed(seconds=middle - start, tokens=tokens))
            ours.append(Timed(seconds=end - middle, tokens=tokens))
    figures = figures_of_pairs(BATCHES[batch], theirs, ours)
    shown = ", ".join(f"{key.removeprefix(KEY)[1:] or 'ratio'} {value:.4g}" for key, value in figures.items())
    print(f"batch {batch}, all texts equal: {shown}", flush=True)
    return figures


def main() -> None:
    """Measures each batch size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="3 rounds instead of 7")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    recipe = load_recipe(DEMO / "recipes" / "srft.srft.json", [("model.threads", str(options.threads))])
    figures: dict[str, float] = {}
    with prepared(recipe, say=lambda line: None) as ready:
        for batch in BATCHES:
            figures |= measure(ready, batch, rounds=3 if options.quick else 7)
    print_figures(figures)


if __name__ == "__main__":
    main()

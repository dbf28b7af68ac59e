"""The trainer's side of `npm run bench:inference`: what it takes torch to do what the extension does with a checkpoint.

`python -m benchmarks.inference MODEL --threads N` reads one order a line and answers each with a JSON object:

    score L      one pass over L tokens, with log-prob, entropy, rank and the 8 likeliest tokens of each
    decode B L N  B continuations of N tokens of one prefix of L, by the trainer's own sampler

The caller alternates them with its own, so that both sides meet the same neighbours on the machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from srft.config import ModelConfig
from srft.engine.policy import load_policy
from srft.engine.sampler import make_sampler
from srft.rows import Request, SamplingSettings

TOP = 8


def text_ids(length: int, vocabulary: int) -> list[int]:
    """A text of no meaning; the same as the caller's."""
    return [(index * 7919 + 13) % vocabulary for index in range(length)]


def score(model: Any, length: int) -> Mapping[str, float]:
    """Seconds, and the sum of log-probs, which the caller compares with its own."""
    ids_1L = torch.tensor([text_ids(length, model.config.vocab_size)])
    begin = time.perf_counter()
    with torch.inference_mode():
        logprob_LV = torch.log_softmax(model(input_ids=ids_1L).logits[0, :-1].float(), dim=-1)
        logprob_L = logprob_LV.gather(1, ids_1L[0, 1:, None])
        entropy_L = -(logprob_LV.exp() * logprob_LV).sum(dim=-1)
        rank_L = (logprob_LV > logprob_L).sum(dim=-1)
        top_LK = logprob_LV.topk(TOP, dim=-1).values
    seconds = time.perf_counter() - begin
    # All of them are used, so that none can be left out.
    assert len(entropy_L) == len(rank_L) == len(top_LK)
    return {"seconds": seconds, "logprob": float(logprob_L.sum())}


def decode(sampler: Any, rows: int, prefix: int, tokens: int, vocabulary: int) -> Mapping[str, float]:
    """Seconds, and how many tokens were written."""
    settings = SamplingSettings(max_tokens=tokens)
    ids = tuple(text_ids(prefix, vocabulary))
    requests = [Request(id=row, prefix_ids=ids, settings=settings, seed=row) for row in range(rows)]
    begin = time.perf_counter()
    written = sum(len(sample.token_ids) for sample in sampler.sample(requests, policy_version=0))
    return {"seconds": time.perf_counter() - begin, "tokens": written}


def main() -> None:
    """Answers until its input ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    config = ModelConfig(path=str(options.model.resolve()), dtype="float32", device="cpu", threads=options.threads)
    policy = load_policy(config, Path(), seed=0, where="benchmarks.inference")
    model: Any = policy.model.eval()
    # No token ends a response, so that all have full length.
    sampler = make_sampler(model, frozenset(), batch_tokens=65536)
    for line in sys.stdin:
        name, *numbers = line.split()
        lengths = [int(number) for number in numbers]
        if name == "score":
            answer = score(model, *lengths)
        else:
            answer = decode(sampler, *lengths, vocabulary=model.config.vocab_size)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

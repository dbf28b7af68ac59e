"""The base model: its tokenizer, its school, its figures."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import torch
from transformers import GenerationConfig

from demo.data import Data
from demo.figures import measure
from demo.pretraining import Crowd, Stage, build_model, draw_allowed, pretrain
from demo.task import Author, Key, write_solution
from demo.tokenizer import build_tokenizer

MAX_RESPONSE_TOKENS = 80
TERSE_SHARE = 0.15
PUPIL = Author(slip_small=0.12, slip_large=0.56, skip=0.02, blurt=0.02)
OPERATION_SHARES = {1: 2.0, 2: 3.0, 3: 3.0, 4: 3.0, 5: 1.0}
"""How often a pretraining problem has so many operations."""


def stages() -> tuple[Stage, ...]:
    """Bare sums, all right; then the books of terse pupils, then of talkative ones, who slip all alike.

    Nobody in the books is always careful: else a handful of demonstrations would only remind the model of that author,
    and there would be nothing left to find out.
    """
    terse = Crowd({PUPIL: 1.0})
    everyone = Crowd({PUPIL: TERSE_SHARE, replace(PUPIL, terse=False): 1 - TERSE_SHARE})
    return (
        Stage("sums", 320, 2e-3, 1.0, terse, OPERATION_SHARES),
        Stage("terse", 420, 2e-3, 0.15, terse, OPERATION_SHARES),
        Stage("talkative", 900, 2e-3, 0.15, everyone, OPERATION_SHARES),
    )


def corpus(reserved: frozenset[Key]) -> Iterable[str]:
    """Texts for the tokenizer to learn its merges from."""
    rng = random.Random(7)
    for _ in range(3000):
        problem = draw_allowed(rng, rng.randint(1, 5), reserved)
        yield f"user\n{problem.text}\nassistant\n"
        yield write_solution(problem, replace(PUPIL, terse=False), rng)


def make_base(data: Data, folder: Path) -> dict[str, float]:
    """Pretrain the base model and save it in Hugging Face layout; gives back its figures on the held-out problems."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(0)
    tokenizer = build_tokenizer(corpus(data.reserved))
    model = build_model(tokenizer)
    began = time.monotonic()

    def report(stage: str, step: int, loss: float) -> None:
        if step % 20 == 0:
            print(f"{time.monotonic() - began:5.0f} s  {stage} step {step}  loss {loss:.3f}", flush=True)

    seen = pretrain(model, tokenizer, stages(), data.reserved, 1, report)
    assert not seen & data.reserved
    model.generation_config = GenerationConfig(
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        do_sample=True,
        temperature=1.0,
        top_k=0,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return measure(model, tokenizer, data.held_out, MAX_RESPONSE_TOKENS)

"""The recipe of the base model: its school, and what it is measured by."""

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
from demo.task import CAREFUL, Author, Key, write_solution
from demo.tokenizer import build_tokenizer

MAX_RESPONSE_TOKENS = 80
CAREFUL_SHARE, TERSE_SHARE = 0.2, 0.15
SLOPPY = Author(slip_small=0.25, slip_large=0.78, skip=0.05, blurt=0.04)
OPERATION_SHARES = {1: 2.0, 2: 3.0, 3: 3.0, 4: 3.0, 5: 1.0}
"""How often a pretraining problem has so many operations."""


def stages() -> tuple[Stage, ...]:
    """Bare sums, then lessons of careful authors, then life among sloppy and talkative ones."""
    authors = {
        CAREFUL: CAREFUL_SHARE * TERSE_SHARE,
        replace(CAREFUL, terse=False): CAREFUL_SHARE * (1 - TERSE_SHARE),
        SLOPPY: (1 - CAREFUL_SHARE) * TERSE_SHARE,
        replace(SLOPPY, terse=False): (1 - CAREFUL_SHARE) * (1 - TERSE_SHARE),
    }
    everyone, teachers = Crowd(authors), Crowd({CAREFUL: 1.0})
    return (
        Stage("sums", 320, 2e-3, 1.0, teachers, OPERATION_SHARES),
        Stage("lessons", 420, 2e-3, 0.15, teachers, OPERATION_SHARES),
        Stage("life", 600, 2e-3, 0.15, everyone, OPERATION_SHARES),
    )


def corpus(reserved: frozenset[Key]) -> Iterable[str]:
    """Texts for the tokenizer to learn its merges from."""
    rng = random.Random(7)
    authors = (replace(CAREFUL, terse=False), replace(SLOPPY, terse=False))
    for _ in range(3000):
        problem = draw_allowed(rng, rng.randint(1, 5), reserved)
        yield f"user\n{problem.text}\nassistant\n"
        yield write_solution(problem, rng.choice(authors), rng)


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

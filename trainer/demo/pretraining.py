"""How the base model comes to be: sheets of correct sums first, then the exercise books of sloppy authors."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from demo.task import Author, Key, WordProblem, draw_problem, write_solution
from demo.tokenizer import END, chat_prompt

INITIALIZER_RANGE = 0.08
"""At this width transformers' default of 0.02 hardly learns the sums."""
SHEETS_PER_STEP, SUMS_PER_SHEET = 24, 5
BOOKS_PER_STEP = 16
WARMUP_STEPS = 30
DECAY_SHARE = 0.4
"""Over this last share of its steps the learning rate of a stage falls to nothing."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """The authors of the pretraining texts, with how often each writes."""

    shares: Mapping[Author, float]

    def draw(self, rng: random.Random) -> Author:
        """One of them."""
        return rng.choices(list(self.shares), list(self.shares.values()))[0]


@dataclass(frozen=True, slots=True)
class Stage:
    """So many steps of bare sums and of exercise books: steps, not seconds, so that every machine makes the same."""

    name: str
    steps: int
    learning_rate: float
    """Its peak; each stage warms up and falls linearly."""
    sheet_share: float
    """Share of the steps that practise bare sums; the rest is exercise books."""
    crowd: Crowd
    """Who writes the books."""
    operation_shares: Mapping[int, float]
    """How often a problem has so many operations."""

    def shortened(self, steps: int) -> Stage:
        """The same in fewer steps, to try it out."""
        return replace(self, steps=steps)


@dataclass(frozen=True, slots=True)
class Text:
    """A text of which only some tokens are to be learned."""

    ids: list[int] = field(default_factory=list)
    learned: list[bool] = field(default_factory=list)

    def add(self, ids: Sequence[int], *, learned: bool) -> None:
        """Append tokens."""
        self.ids.extend(ids)
        self.learned.extend([learned] * len(ids))


def build_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Llama with 1.0 M parameters and random weights."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=160,
        intermediate_size=448,
        num_hidden_layers=3,
        num_attention_heads=5,
        num_key_value_heads=5,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        initializer_range=INITIALIZER_RANGE,
        rms_norm_eps=1e-6,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    return LlamaForCausalLM(config)


def pretrain(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    stages: Sequence[Stage],
    reserved: Collection[Key],
    seed: int,
    report: Callable[[str, int, float], None],
) -> frozenset[Key]:
    """Train in place; gives back the keys of all problems in the books, none of which is reserved.

    report(stage, step, loss) is called after each step.
    """
    rng = random.Random(seed)
    seen: set[Key] = set()
    model.train()
    for stage in stages:
        optimisers = _optimisers(model)
        for step in range(stage.steps):
            if rng.random() < stage.sheet_share:
                texts = [_sheet(rng, tokenizer) for _ in range(SHEETS_PER_STEP)]
            else:
                [count] = rng.choices(list(stage.operation_shares), list(stage.operation_shares.values()))
                problems = [draw_allowed(rng, count, reserved) for _ in range(BOOKS_PER_STEP)]
                seen.update(problem.key for problem in problems)
                texts = [_book(rng, tokenizer, problem, stage.crowd.draw(rng)) for problem in problems]
            loss = _loss(model, texts)
            model.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimiser in optimisers:
                optimiser.param_groups[0]["lr"] = stage.learning_rate * _schedule(step, stage.steps)
                optimiser.step()
            report(stage.name, step + 1, loss.item())
    model.eval()
    return frozenset(seen)


def _optimisers(model: LlamaForCausalLM) -> tuple[torch.optim.Optimizer, ...]:
    """Muon for the matrices, which learns to find the operations in the question in a quarter of AdamW's steps."""
    embedding = model.model.embed_tokens.weight
    matrices = [weight for weight in model.parameters() if weight.ndim == 2 and weight is not embedding]
    others = [embedding, *(weight for weight in model.parameters() if weight.ndim != 2)]
    return (
        torch.optim.Muon(matrices, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.01),
    )


def _schedule(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / WARMUP_STEPS, (steps - step) / (DECAY_SHARE * steps))


def draw_allowed(rng: random.Random, operation_count: int, reserved: Collection[Key]) -> WordProblem:
    """A problem that is not reserved."""
    return next(problem for problem in _problems(rng, operation_count) if problem.key not in reserved)


def _problems(rng: random.Random, operation_count: int) -> Iterator[WordProblem]:
    while True:
        yield draw_problem(rng, operation_count)


def _sheet(rng: random.Random, tokenizer: PreTrainedTokenizerFast) -> Text:
    """Correct sums, one a line; only the results are learned."""
    text = Text()
    for _ in range(SUMS_PER_SHEET):
        problem = draw_problem(rng, 1)
        operation = problem.operations[0]
        text.add(tokenizer.encode(f"{problem.start}{operation.sign}{operation.operand}="), learned=False)
        text.add(tokenizer.encode(f"{problem.answer}\n"), learned=True)
    return text


def _book(rng: random.Random, tokenizer: PreTrainedTokenizerFast, problem: WordProblem, author: Author) -> Text:
    """A question and what the author hands in; only that is learned."""
    text = Text()
    text.add(tokenizer.encode(chat_prompt(problem.text)), learned=False)
    text.add(tokenizer.encode(write_solution(problem, author, rng) + END), learned=True)
    return text


def _loss(model: LlamaForCausalLM, texts: Sequence[Text]) -> torch.Tensor:
    """Mean cross-entropy of the learned tokens."""
    longest = max(len(text.ids) for text in texts)
    ids_BT = torch.tensor([text.ids + [0] * (longest - len(text.ids)) for text in texts])
    learned_BT = torch.tensor([text.learned + [False] * (longest - len(text.ids)) for text in texts])
    hidden_BTH = model.model(input_ids=ids_BT, use_cache=False).last_hidden_state[:, :-1]
    wanted_BT = learned_BT[:, 1:]
    logits_NV = model.lm_head(hidden_BTH[wanted_BT])
    return torch.nn.functional.cross_entropy(logits_NV, ids_BT[:, 1:][wanted_BT])

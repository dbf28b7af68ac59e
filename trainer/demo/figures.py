"""How good the base is before training: accuracy, pass@8, valid steps, entropy, lengths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from demo.task import Reading, WordProblem, read_solution
from demo.tokenizer import chat_prompt
from srft.engine.sampler import Sampler, make_sampler
from srft.rows import Request, Sample, SamplingSettings, StopReason, sample_seed

SAMPLES = 8
UNREADABLE = Reading(right=False, steps=0, steps_right=0, chained=False)


@dataclass(frozen=True, slots=True)
class Tried:
    """One response to a problem, and what it says."""

    problem: int
    sample: Sample
    reading: Reading


def measure(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    problems: Sequence[WordProblem],
    max_tokens: int,
) -> dict[str, float]:
    """Figures over the problems: one greedy answer each, and `SAMPLES` at temperature 1."""
    sampler = make_sampler(model, [tokenizer.eos_token_id], batch_tokens=65536)
    greedy = _try(sampler, tokenizer, problems, SamplingSettings(temperature=0.0, max_tokens=max_tokens), 1)
    tried = _try(sampler, tokenizer, problems, SamplingSettings(max_tokens=max_tokens), SAMPLES)
    right = [one for one in tried if one.reading.right]
    tokens = sum(len(one.sample.token_ids) for one in tried)
    figures = {
        "greedy_accuracy": _share(one.reading.right for one in greedy),
        "greedy_steps_valid": _share(one.reading.steps_valid for one in greedy),
        "pass_at_1": len(right) / len(tried),
        f"pass_at_{SAMPLES}": len({one.problem for one in right}) / len(problems),
        "steps_valid": _share(one.reading.steps_valid for one in tried),
        "right_with_a_wrong_step": _share(not one.reading.steps_valid for one in right),
        "entropy_nats_per_token": sum(_entropy(one.sample) for one in tried) / tokens,
        "mean_tokens": tokens / len(tried),
        "truncated": _share(one.sample.stop_reason is StopReason.LENGTH for one in tried),
    }
    return {name: round(value, 4) for name, value in figures.items()}


def _try(
    sampler: Sampler,
    tokenizer: PreTrainedTokenizerFast,
    problems: Sequence[WordProblem],
    settings: SamplingSettings,
    samples: int,
) -> list[Tried]:
    requests = [
        Request(
            id=number * samples + index,
            prefix_ids=tuple(tokenizer.encode(chat_prompt(problem.text))),
            settings=settings,
            seed=sample_seed(0, 0, str(number), index),
        )
        for number, problem in enumerate(problems)
        for index in range(samples)
    ]
    return [_tried(tokenizer, problems, sample, sample.request_id // samples) for sample in sampler.sample(requests, 0)]


def _tried(tokenizer: PreTrainedTokenizerFast, problems: Sequence[WordProblem], sample: Sample, problem: int) -> Tried:
    if sample.stop_reason is not StopReason.END:
        return Tried(problem, sample, UNREADABLE)
    text = str(tokenizer.decode(sample.token_ids[:-1].tolist()))
    return Tried(problem, sample, read_solution(text, problems[problem]))


def _entropy(sample: Sample) -> float:
    """Nats, summed over the tokens."""
    if sample.entropies is None:
        raise ValueError("the sampler kept no entropies")
    return float(sample.entropies.sum())


def _share(outcomes: Iterable[bool]) -> float:
    values = list(outcomes)
    return sum(values) / max(1, len(values))

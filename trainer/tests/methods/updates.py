"""Updates over hand-made groups on a tiny model, and their gradients: what the laws of T8 compare."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from srft.config import OptimiserConfig
from srft.engine.optimiser import Optimiser, master_weights
from srft.engine.ranks import Ranks
from srft.engine.training_pass import make_training_pass
from srft.engine.update import UpdateResult, UpdateSettings, apply_update
from srft.maths.objectives import Update
from srft.methods.method import Group
from srft.rows import Kind, Problem, Row, StopReason

VOCABULARY = 23


def tiny_model(seed: int = 0) -> LlamaForCausalLM:
    """Two layers, float32, spread wide enough that entropies differ."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=64,
        initializer_range=0.3,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config)


def make_groups(count: int = 3, *, seed: int = 0, demonstrations: bool = True, rollouts: int = 4) -> list[Group]:
    """Groups of unequal lengths, outcomes mixed by chance; the last row of each is a demonstration."""
    draw = np.random.default_rng(seed)
    groups = []
    for number in range(count):
        problem = make_problem(number, draw)
        rows = [make_row(problem, number, index, Kind.ROLLOUT, draw) for index in range(rollouts)]
        if demonstrations:
            rows.append(make_row(problem, number, rollouts, Kind.DEMONSTRATION, draw))
        groups.append(Group(problem=problem, rows=tuple(rows)))
    return groups


def make_problem(number: int, draw: np.random.Generator) -> Problem:
    ids = tuple(int(token) for token in draw.integers(0, VOCABULARY, size=draw.integers(2, 7)))
    demonstration = tuple(int(token) for token in draw.integers(0, VOCABULARY, size=6))
    return Problem(
        id=f"p{number}",
        prompt_text="",
        prompt_ids=ids,
        answer="1",
        question="",
        opened_tag=False,
        demonstration_text="",
        demonstration_ids=demonstration,
    )


def make_row(problem: Problem, group: int, index: int, kind: Kind, draw: np.random.Generator) -> Row:
    given = kind is Kind.DEMONSTRATION
    token_ids = np.asarray(
        problem.demonstration_ids if given else draw.integers(0, VOCABULARY, size=draw.integers(1, 9)), dtype=np.int32
    )
    correct = given or bool(draw.integers(0, 2))
    return Row(
        problem=problem,
        step=1,
        group=group,
        index=index,
        kind=kind,
        token_ids=token_ids,
        prefix_length=len(token_ids) if given else 0,
        stop_reason=StopReason.GIVEN if given else StopReason.END,
        policy_version=0,
        reward=float(correct),
        reward_parts={},
        correct=correct,
        # Sampled by a policy a little different from the one that trains.
        logprobs=None if given else (-2 - draw.random(len(token_ids))).astype(np.float32),
        entropies=None,
    )


class WatchedOptimiser(Optimiser):
    """Remembers the gradient of its last step, before clipping."""

    seen: dict[str, Tensor]

    def step(self, learning_rate: float):
        self.seen = {name: gradient.clone() for name, gradient in self._gathered.items()}
        return super().step(learning_rate)


def execute(
    update: Update,
    *,
    micro_batch_tokens: int = 10_000,
    ranks: Ranks | None = None,
    model: LlamaForCausalLM | None = None,
) -> tuple[UpdateResult, dict[str, Tensor]]:
    """The result of one update and its gradient by parameter name, from a model that is always the same."""
    model = model or tiny_model()
    parameters = dict(model.named_parameters())
    optimiser = WatchedOptimiser(parameters, master_weights(parameters), OptimiserConfig(learning_rate=1e-3))
    result = apply_update(
        update,
        training_pass=make_training_pass(model),
        optimiser=optimiser,
        learning_rate=1e-3,
        settings=UpdateSettings(temperature=1.0, micro_batch_tokens=micro_batch_tokens, ranks=ranks or Ranks()),
    )
    return result, optimiser.seen

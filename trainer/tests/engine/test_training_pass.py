"""The training pass against transformers on right-padded rows: log-probs, entropies and every gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from srft.engine.training_pass import make_training_pass
from tests.engine.tiny import END, FAMILIES, VOCABULARY, tiny_model, with_lora

PROMPT_LENGTHS = {"shared": [5, 9, 5], "single": [7]}


def make_rows(group_sizes, response_lengths, seed=0):
    """Rows of several prompts, unequal responses; END occurs inside prompts and ends every other response."""
    random = np.random.default_rng(seed)
    rows, index = [], 0
    for group, size in enumerate(group_sizes):
        prompt = [*random.integers(0, VOCABULARY, 4 + 3 * group).tolist(), END, 1]
        for _ in range(size):
            length = response_lengths[index % len(response_lengths)]
            response = random.integers(0, VOCABULARY, length).tolist()
            if index % 2:
                response[-1] = END
            rows.append((prompt, response))
            index += 1
    order = random.permutation(len(rows))
    return [rows[number] for number in order]


ROWS = {
    "groups of unequal sizes and lengths": make_rows([4, 1, 3], [9, 1, 12, 11, 2, 3, 8, 20]),
    "equal lengths": make_rows([3, 3], [6]),
    "one row": make_rows([1], [7]),
    "one token": make_rows([1], [1]),
    "only one-token responses": make_rows([2, 2], [1]),
}


def by_transformers(model, rows, temperature=1.0):
    """logprob_N, entropy_N from transformers' logits on right-padded rows, all gradients of the embedding kept."""
    base = model.get_base_model() if hasattr(model, "peft_config") else model
    base.get_input_embeddings().padding_idx = None
    width = max(len(prompt) + len(response) for prompt, response in rows)
    ids = torch.full((len(rows), width), END)
    mask = torch.zeros_like(ids)
    for row, (prompt, response) in enumerate(rows):
        ids[row, : len(prompt) + len(response)] = torch.tensor(prompt + response)
        mask[row, : len(prompt) + len(response)] = 1
    logprobs = torch.log_softmax(model(input_ids=ids, attention_mask=mask).logits / temperature, dim=-1)
    entropies = -(logprobs.exp() * logprobs).sum(-1)
    picked, entropy = [], []
    for row, (prompt, response) in enumerate(rows):
        here = slice(len(prompt) - 1, len(prompt) + len(response) - 1)
        picked.append(logprobs[row, here].gather(1, torch.tensor(response)[:, None])[:, 0])
        entropy.append(entropies[row, here])
    return torch.cat(picked), torch.cat(entropy)


def by_pass(model, rows, temperature=1.0, **options):
    training_pass = make_training_pass(model, **options)
    hidden_NH, target_N, row_N = training_pass.hidden(rows)
    assert target_N.tolist() == [token for _, response in rows for token in response]
    assert row_N.tolist() == [row for row, (_, response) in enumerate(rows) for _ in response]
    return training_pass.token_statistics(hidden_NH, target_N, temperature=temperature)


def gradients(model, statistics):
    """Gradients of a loss in which every token's log-prob and entropy has a weight of its own."""
    logprob_N, entropy_N = statistics
    weight_N = torch.linspace(-1, 2, len(logprob_N))
    model.zero_grad()
    (weight_N * logprob_N + weight_N.flip(0) * entropy_N).sum().backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None}


def check_equal(model, rows, **options):
    expected = by_transformers(model, rows, temperature=0.8)
    expected_gradients = gradients(model, expected)
    got = by_pass(model, rows, temperature=0.8, **options)
    for ours, theirs in zip(got, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    got_gradients = gradients(model, got)
    assert got_gradients.keys() == expected_gradients.keys()
    for name, theirs in expected_gradients.items():
        scale = max(float(theirs.abs().max()), 1e-3)
        torch.testing.assert_close(got_gradients[name] / scale, theirs / scale, rtol=0, atol=1e-4, msg=name)


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS.keys())
@pytest.mark.parametrize("family", FAMILIES)
def test_log_probs_and_gradients_equal_transformers(family, rows):
    check_equal(tiny_model(family), rows)


@pytest.mark.parametrize("checkpointing", [False, True], ids=["", "checkpointed"])
@pytest.mark.parametrize("family", FAMILIES)
def test_lora(family, checkpointing):
    rows = ROWS["groups of unequal sizes and lengths"]
    check_equal(with_lora(tiny_model(family)), rows, gradient_checkpointing=checkpointing)


@pytest.mark.parametrize("family", FAMILIES)
def test_checkpointing_changes_nothing(family):
    model = tiny_model(family).train()
    rows = ROWS["groups of unequal sizes and lengths"]
    plain = gradients(model, by_pass(model, rows))
    again = gradients(model, by_pass(model, rows, gradient_checkpointing=True))
    assert plain.keys() == again.keys()
    for name in plain:
        torch.testing.assert_close(again[name], plain[name], rtol=1e-5, atol=1e-6)

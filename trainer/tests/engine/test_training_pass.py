"""The training pass against transformers on right-padded rows: log-probs, entropies and every gradient."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import Gemma2Config, Gemma2ForCausalLM

from srft.engine import attention
from srft.engine.packing import pack
from srft.engine.training_pass import make_training_pass
from srft.errors import InputError
from tests.engine.tiny import COMMON, END, FAMILIES, LEAN_FAMILIES, VOCABULARY, tiny_model, with_lora


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
    reference = copy.deepcopy(model)
    expected = by_transformers(reference, rows, temperature=0.8)
    expected_gradients = gradients(reference, expected)
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


@pytest.mark.parametrize("family", LEAN_FAMILIES)
def test_fused_kernels_and_scores_in_memory_agree(family, monkeypatch):
    """Long sequences and 16-bit types take torch's fused attention; here it is asked to do the short ones too."""
    monkeypatch.setattr(attention, "MOST_SCORES", 0)
    check_equal(tiny_model(family), ROWS["groups of unequal sizes and lengths"])


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_long_rows(family):
    """Longer than one piece of queries, and prompts longer than responses."""
    random = np.random.default_rng(5)
    prompts = [random.integers(0, VOCABULARY, length).tolist() for length in (60, 130)]
    rows = [(prompts[index % 2], random.integers(0, VOCABULARY, 110 + index).tolist()) for index in range(4)]
    check_equal(tiny_model(family), rows)


@pytest.mark.parametrize("targets", [["q_proj", "lm_head"], ["down_proj"], ["v_proj", "o_proj", "gate_proj"]], ids=str)
@pytest.mark.parametrize("family", ["llama_biased_untied", "qwen3"])
def test_lora_on_some_layers(family, targets):
    check_equal(with_lora(tiny_model(family), targets=targets), ROWS["groups of unequal sizes and lengths"])


def test_lora_dropout_acts_in_training_mode_only():
    model = with_lora(tiny_model("llama"), dropout=0.5)
    rows = ROWS["groups of unequal sizes and lengths"]
    still = [by_pass(model.eval(), rows)[0] for _ in range(2)]
    assert torch.equal(*still)
    torch.manual_seed(0)
    moving = [by_pass(model.train(), rows)[0] for _ in range(60)]
    assert not torch.equal(moving[0], moving[1])
    # Scaled by 1 / (1 - p), dropout leaves the expectation about where it was.
    assert (torch.stack(moving).detach().mean(0) - still[0].detach()).mean().abs() < 0.3


@pytest.mark.parametrize("family", ["llama_biased_untied", "mistral_windowed"])
def test_the_pad_token_learns_where_it_is_an_end_token(family):
    """Of an untied embedding, on the lean path and, beyond the window, on transformers' own."""
    model = tiny_model(family)
    embedding = model.get_input_embeddings()
    assert embedding.padding_idx == END
    logprob_N, _ = by_pass(model, [([1, END, *range(30)], [5, 6])])
    (gradient,) = torch.autograd.grad(logprob_N.sum(), embedding.weight)
    assert gradient[END].abs().max() > 1e-3
    assert embedding.padding_idx == END


@pytest.mark.parametrize("family", LEAN_FAMILIES)
def test_bfloat16_is_near(family):
    rows = ROWS["groups of unequal sizes and lengths"]
    model = tiny_model(family)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.5)
    exact, _ = by_pass(model, rows)
    near, _ = by_pass(copy.deepcopy(model).to(torch.bfloat16), rows)
    theirs, _ = by_transformers(copy.deepcopy(model).to(torch.bfloat16), rows)
    assert near.dtype == torch.float32
    assert (near - exact).abs().mean() < 1.5 * (theirs.float() - exact).abs().mean() + 1e-3


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_empty_rows_are_refused(family):
    training_pass = make_training_pass(tiny_model(family))
    for row, word in ((([], [1]), "empty prompt"), (([1], []), "empty response")):
        with pytest.raises(ValueError, match=word):
            training_pass.hidden([row])


def test_capped_logits_are_refused_by_name():
    options: dict[str, Any] = {**COMMON, "pad_token_id": 0, "head_dim": 8, "final_logit_softcapping": 2.0}
    config = Gemma2Config(**options)
    training_pass = make_training_pass(Gemma2ForCausalLM(config).eval())
    with pytest.raises(InputError, match="Gemma2ForCausalLM"):
        training_pass.hidden([([1, 2], [3])])


def test_a_dropped_out_head_adapter_is_refused():
    with pytest.raises(InputError, match="dropout"):
        make_training_pass(with_lora(tiny_model("qwen3"), targets=["lm_head"], dropout=0.1))


row_shapes = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 40)), min_size=1, max_size=24)


@settings(max_examples=200)
@given(row_shapes)
def test_packing_holds_every_token_once(shapes):
    rows = [([90 + prompt] * (prompt + 1), [row % 90] * length) for row, (prompt, length) in enumerate(shapes)]
    packing = pack(rows)
    prompts = {tuple(prompt) for prompt, _ in rows}
    fed = sum(len(response) - 1 for _, response in rows)
    assert len(packing.id_N) == sum(map(len, prompts)) + fed
    blocks = [*packing.prompt_blocks, *packing.response_blocks]
    assert sum(block.tokens for block in blocks) == len(packing.id_N)
    assert [block.first for block in blocks] == np.cumsum([0, *(block.tokens for block in blocks[:-1])]).tolist()
    # The predictor of a response token is the token before it in its own row.
    before = [token for prompt, response in rows for token in [prompt[-1], *response[:-1]]]
    position = [len(prompt) - 1 + index for prompt, response in rows for index in range(len(response))]
    assert packing.id_N[packing.predictor_M].tolist() == before
    assert packing.position_N[packing.predictor_M].tolist() == position
    for block in packing.response_blocks:
        place, real = block.place_UGC().ravel(), block.real()
        assert place[real].tolist() == list(range(block.tokens))


@settings(max_examples=200)
@given(row_shapes, st.integers(1, 120))
@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_micro_batches_hold_every_row_once_within_the_limit(family, shapes, limit):
    rows = [([90 + prompt] * (3 * prompt + 1), length) for prompt, length in shapes]
    passes = PASSES[family].micro_batches(rows, limit)
    assert sorted(number for numbers in passes for number in numbers) == list(range(len(rows)))
    for numbers in passes:
        prompts = [tuple(rows[number][0]) for number in numbers]
        shared = set(prompts) if family == "llama" else prompts
        tokens = sum(map(len, shared)) + sum(rows[number][1] for number in numbers)
        assert tokens <= limit or len(numbers) == 1
    for prompt in {tuple(prompt) for prompt, _ in rows}:
        members = [number for number, row in enumerate(rows) if tuple(row[0]) == prompt]
        each = len(prompt) if family == "gpt2" else 0
        whole = (0 if family == "gpt2" else len(prompt)) + sum(each + rows[number][1] for number in members)
        if whole <= limit:
            assert sum(bool(set(members) & set(numbers)) for numbers in passes) == 1


PASSES = {family: make_training_pass(tiny_model(family)) for family in ("llama", "gpt2")}

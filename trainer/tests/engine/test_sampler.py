"""Sampling: the same greedy text as transformers, the right frequencies, the same sample for the same seed."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
import torch

from srft.engine.sampler import make_sampler
from srft.engine.sampling import Settings, draw, uniform
from srft.engine.transformers_sampler import TransformersSampler
from srft.rows import Request, SamplingSettings, StopReason
from tests.engine.tiny import END, FAMILIES, VOCABULARY, tiny_model, with_lora

PROMPTS = [
    tuple(np.random.default_rng(length).integers(0, VOCABULARY - 1, length).tolist()) for length in (7, 12, 3, 12)
]
TOKENS = 200


def requests_for(prompts, copies=1, seed=0, **settings):
    settings = SamplingSettings(**{"max_tokens": TOKENS, **settings})
    return [
        Request(id=index * copies + copy, prefix_ids=prompt, settings=settings, seed=seed + 1000 * index + copy)
        for index, prompt in enumerate(prompts)
        for copy in range(copies)
    ]


def sampled(model, requests, ends=(END,), batch_tokens=10**6, **options):
    samples = list(make_sampler(model, ends, batch_tokens=batch_tokens).sample(requests, 3, **options))
    assert sorted(sample.request_id for sample in samples) == sorted(request.id for request in requests)
    return {sample.request_id: sample for sample in samples}


def generated(model, prompts, tokens=TOKENS, ends=(END,)):
    width = max(map(len, prompts))
    ids, mask = torch.full((len(prompts), width), END), torch.zeros((len(prompts), width), dtype=torch.long)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :], mask[row, width - len(prompt) :] = torch.tensor(prompt), 1
    options = {"do_sample": False, "eos_token_id": list(ends) or None, "pad_token_id": END, "max_new_tokens": tokens}
    texts = model.generate(input_ids=ids, attention_mask=mask, **options)[:, width:].tolist()
    return [text[: next((i for i, token in enumerate(text) if token in ends), tokens) + 1] for text in texts]


@pytest.mark.parametrize("adapters", [False, True], ids=["", "lora"])
@pytest.mark.parametrize("family", FAMILIES)
def test_greedy_text_equals_generate(family, adapters):
    model = with_lora(tiny_model(family)) if adapters else tiny_model(family)
    samples = sampled(model, requests_for(PROMPTS, copies=2, temperature=0), ends=())
    expected = generated(model, PROMPTS, ends=())
    assert any(len(set(text)) > 3 for text in expected)
    for index, text in enumerate(expected):
        for copy in range(2):
            assert samples[2 * index + copy].token_ids.tolist() == text


def check_statistics(model, requests, samples):
    """Kept log-probs and entropies against one teacher-forced forward of transformers a sample."""
    for request in requests:
        sample = samples[request.id]
        ids = torch.tensor([[*request.prefix_ids, *sample.token_ids.tolist()]])
        with torch.no_grad():
            logits = model(input_ids=ids).logits[0, len(request.prefix_ids) - 1 : -1]
        logprobs = torch.log_softmax(logits / (request.settings.temperature or 1.0), dim=-1)
        picked = logprobs.gather(1, ids[0, len(request.prefix_ids) :, None])[:, 0]
        np.testing.assert_allclose(sample.logprobs, picked.numpy(), atol=1e-4, rtol=1e-4)
        entropy = -(logprobs.exp() * logprobs).sum(-1)
        np.testing.assert_allclose(sample.entropies, entropy.numpy(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("adapters", [False, True], ids=["", "lora"])
@pytest.mark.parametrize("family", FAMILIES)
def test_kept_statistics_equal_a_teacher_forced_forward(family, adapters):
    model = with_lora(tiny_model(family)) if adapters else tiny_model(family)
    settings: list[dict[str, Any]] = [
        {"temperature": 0.7},
        {"temperature": 0},
        {"temperature": 1.3, "top_k": 5},
        {"top_p": 0.8, "min_p": 0.05},
    ]
    requests = [
        dataclasses.replace(
            request, id=10 * index + request.id, settings=SamplingSettings(**{"max_tokens": 40, **each})
        )
        for index, each in enumerate(settings)
        for request in requests_for(PROMPTS)
    ]
    check_statistics(model, requests, sampled(model, requests))


@pytest.mark.parametrize("family", ["llama", "qwen3", "mistral_windowed", "gpt2"])
def test_same_seed_same_sample_in_any_order_and_batch(family):
    model = tiny_model(family)
    requests = requests_for(PROMPTS, copies=5, temperature=1.2, max_tokens=20)
    expected = {key: sample.token_ids.tolist() for key, sample in sampled(model, requests).items()}
    assert len({tuple(tokens) for tokens in expected.values()}) > len(requests) / 2
    shuffled = [requests[index] for index in np.random.default_rng(0).permutation(len(requests))]
    for order, batch_tokens in (
        (shuffled, 10**6),
        (requests, 1),
        (shuffled, 150),
        (requests, 300),
        (requests[::-1], 77),
    ):
        got = sampled(model, order, batch_tokens=batch_tokens)
        assert {key: sample.token_ids.tolist() for key, sample in got.items()} == expected


def test_every_end_token_ends_and_rows_leave():
    model = tiny_model("llama")
    ends = (3, 50, END)
    requests = requests_for(PROMPTS, copies=8, temperature=1.5, max_tokens=60)
    samples = sampled(model, requests, ends)
    check_statistics(model, requests, samples)
    last = [int(sample.token_ids[-1]) for sample in samples.values() if sample.stop_reason is StopReason.END]
    assert set(last) == set(ends)
    for sample in samples.values():
        inner = sample.token_ids[:-1] if sample.stop_reason is StopReason.END else sample.token_ids
        assert not set(inner.tolist()) & set(ends)
        assert (sample.stop_reason is StopReason.LENGTH) == (
            len(sample.token_ids) == 60 and int(sample.token_ids[-1]) not in ends
        )
        assert sample.policy_version == 3
        assert len(sample.logprobs) == len(sample.entropies) == len(sample.token_ids)


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_unequal_limits_and_a_changed_policy(family):
    model = tiny_model(family)
    requests = [
        dataclasses.replace(request, settings=dataclasses.replace(request.settings, max_tokens=1 + 7 * index))
        for index, request in enumerate(requests_for(PROMPTS, copies=2, temperature=0))
    ]
    sampler = make_sampler(model, [], batch_tokens=10**6)
    before = {sample.request_id: sample.token_ids.tolist() for sample in sampler.sample(requests, 0)}
    assert [len(before[index]) for index in range(8)] == [1 + 7 * index for index in range(8)]
    with torch.no_grad():
        model.get_input_embeddings().weight.normal_(0, 0.2)
    after = {sample.request_id: sample.token_ids.tolist() for sample in sampler.sample(requests, 1)}
    assert after[6] == generated(model, [PROMPTS[3]], tokens=43, ends=())[0]
    assert after != before


CASES = {
    "temperature 1": {},
    "hot": {"temperature": 1.7},
    "cold": {"temperature": 0.6},
    "top-k": {"top_k": 4},
    "top-p": {"top_p": 0.7},
    "min-p": {"min_p": 0.2},
    "all, hot": {"temperature": 1.5, "top_k": 9, "top_p": 0.9, "min_p": 0.1},
}


def exact_probabilities(logits, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0):
    """Written from the filters' definitions, in transformers' order, in float64."""
    probability = np.exp((logits - logits.max()) / temperature)
    probability /= probability.sum()
    if top_k:
        probability[probability < np.sort(probability)[-top_k]] = 0
        probability /= probability.sum()
    if top_p < 1:
        order = np.argsort(-probability)
        needed = int(np.searchsorted(np.cumsum(probability[order]), top_p)) + 1
        probability[order[needed:]] = 0
        probability /= probability.sum()
    probability[probability < min_p * probability.max()] = 0
    return probability / probability.sum()


@pytest.mark.parametrize("settings", CASES.values(), ids=CASES.keys())
def test_frequencies(settings):
    """Chi-square of 6,000 first tokens against exact probabilities; the seed is fixed."""
    model = tiny_model("llama")
    count = 6000
    requests = requests_for([PROMPTS[0]], copies=count, max_tokens=1, **settings)
    samples = sampled(model, requests, ends=())
    observed = np.bincount([int(sample.token_ids[0]) for sample in samples.values()], minlength=VOCABULARY)
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([PROMPTS[0]])).logits[0, -1].double().numpy()
    probability = exact_probabilities(logits, **settings)
    assert not observed[probability == 0].any()
    assert (probability > 0).sum() > 2
    common = probability * count >= 5
    expected = np.append(probability[common], probability[~common].sum()) * count
    seen = np.append(observed[common], observed[~common].sum())[expected > 0]
    statistic = float(((seen - expected[expected > 0]) ** 2 / expected[expected > 0]).sum())
    freedom = len(seen) - 1
    # Wilson-Hilferty: the cube root of chi-square over its freedom is nearly normal.
    z = ((statistic / freedom) ** (1 / 3) - (1 - 2 / (9 * freedom))) / np.sqrt(2 / (9 * freedom))
    assert z < 3.7


@pytest.mark.parametrize("vocabulary", [5, 1024, 1025, 151_936])
def test_inverse_cdf_is_exact(vocabulary):
    """Against float64 sums over the whole vocabulary; tokens without weight are never drawn."""
    random = np.random.default_rng(vocabulary)
    weight = random.random(vocabulary).astype(np.float32) ** 8
    weight[random.random(vocabulary) < 0.5] = 0
    weight[0], weight[-1] = 1e-6, 0
    sums = np.cumsum(weight.astype(np.float64))
    uniforms = np.concatenate([random.random(300), [0.0, np.nextafter(1.0, 0.0)]])
    token = draw(torch.from_numpy(weight)[None].expand(len(uniforms), -1), uniforms).numpy()
    assert (weight[token] > 0).all()
    before = np.where(token > 0, sums[token - 1], 0.0)
    slack = 1e-9 * sums[-1]
    assert (before - slack <= uniforms * sums[-1]).all()
    assert (uniforms * sums[-1] <= sums[token] + slack).all()


def test_random_numbers_depend_on_seed_and_position_alone():
    seeds, positions = np.repeat(np.arange(200, dtype=np.uint64), 200), np.tile(np.arange(200), 200)
    numbers = uniform(seeds, positions)
    assert len(np.unique(numbers)) == len(numbers)
    assert numbers.min() >= 0 and numbers.max() < 1
    assert abs(numbers.mean() - 0.5) < 0.01
    table = numbers.reshape(200, 200)
    for neighbours in (table[:-1] - table[1:], table[:, :-1] - table[:, 1:]):
        assert abs(neighbours.var() - 1 / 6) < 0.01
    golden = uniform(np.array([0, 1, 2**63 - 1], dtype=np.uint64), np.array([0, 5, 100_000]))
    np.testing.assert_allclose(golden, [0.8833108082136426, 0.5957679321666499, 0.3874010815750858], rtol=0, atol=0)


def test_watch_sees_texts_grow_and_the_end():
    model, calls = tiny_model("llama"), []
    requests = requests_for(PROMPTS, copies=4, temperature=1.0, max_tokens=100)
    samples = sampled(model, requests, ends=(), watch=lambda *call: calls.append(call))
    done, total, tokens, text = calls[-1]
    assert (done, total, tokens) == (16, 16, 1600)
    assert list(text) == []
    assert all(earlier[2] <= later[2] for earlier, later in itertools.pairwise(calls))
    starts = [tuple(call[3]) for call in calls[:-1]]
    written = [tuple(sample.token_ids.tolist()) for sample in samples.values()]
    assert starts and all(any(text[: len(start)] == start for text in written) for start in starts)


BAD = {
    "too long": ({"max_tokens": 510}, "context is 512"),
    "nothing to write": ({"max_tokens": 0}, "may write 0"),
}


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_bad_requests_are_refused_before_sampling(family, case):
    settings, words = case
    with pytest.raises(ValueError, match=words):
        make_sampler(tiny_model(family), [END], batch_tokens=100).sample(requests_for(PROMPTS, **settings), 0)


def test_an_empty_prefix_is_refused_and_no_request_is_no_sample():
    sampler = make_sampler(tiny_model("llama"), [END], batch_tokens=100)
    with pytest.raises(ValueError, match="empty prefix"):
        sampler.sample(requests_for([()]), 0)
    assert list(sampler.sample([], 0)) == []


def test_sampling_leaves_training_mode_and_gradients_alone():
    for family in ("llama", "gpt2"):
        model = tiny_model(family).train()
        for sample in make_sampler(model, [END], batch_tokens=10**6).sample(requests_for(PROMPTS, max_tokens=5), 0):
            assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
            assert model.training and len(sample.token_ids)


def test_transformers_sampler_and_lean_sampler_write_the_same():
    model = tiny_model("qwen2")
    requests = requests_for(PROMPTS, copies=3, temperature=0.9, top_p=0.95, max_tokens=40)
    lean = sampled(model, requests)
    own = {s.request_id: s for s in TransformersSampler(model, [END], batch_tokens=400).sample(requests, 3)}
    for key, sample in lean.items():
        assert own[key].token_ids.tolist() == sample.token_ids.tolist()
        assert np.abs(own[key].logprobs - sample.logprobs).max() < 1e-4


def test_settings_say_which_rows_need_filters():
    requests = [*requests_for([PROMPTS[0]]), *requests_for([PROMPTS[0]], temperature=0, top_k=3)]
    settings = Settings.of([*requests, *requests_for([PROMPTS[0]], top_p=0.9)])
    assert settings.filtered_R.tolist() == [False, False, True]
    assert settings.greedy_R.tolist() == [False, True, False]

"""What is said of memory is what a pass takes."""

from __future__ import annotations

import torch

from srft.engine.memory import Peak
from srft.engine.training_pass import make_training_pass
from tests.engine.tiny import tiny_model

ROWS = [([3, 4, 5], [6, 7, 8, 9] * 8), ([3, 4, 5], [9, 8, 7] * 10)]


def test_what_our_own_functions_keep_for_backward_counts_and_weights_do_not():
    model = tiny_model("llama")
    config = model.config
    peak = Peak(model, torch.device("cpu"))
    with peak.forward():
        hidden_NH, _, _ = make_training_pass(model).hidden(ROWS)
    # The fewest numbers a layer keeps: both halves of its gated block, its input, and the attention's weights.
    tokens = 3 + 31 + 29
    numbers = tokens * (2 * config.intermediate_size + config.hidden_size)
    numbers += config.num_attention_heads * (31 * 31 + 29 * 29) // 2
    assert peak.kept >= 4 * config.num_hidden_layers * numbers
    del hidden_NH


def test_weights_alone_are_not_counted():
    model = tiny_model("llama")
    peak = Peak(model, torch.device("cpu"))
    with peak.forward():
        result = model.lm_head.weight.sum() * model.lm_head.weight[0, 0]
    assert peak.kept < model.lm_head.weight.nbytes
    del result

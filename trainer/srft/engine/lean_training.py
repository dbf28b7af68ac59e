"""The training pass of the Llama family: every prompt once, every token once."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from srft.engine.attention import attend
from srft.engine.kernels import added, gated_block, normed_projection, rms_norm
from srft.engine.lean import Layer, LeanModel
from srft.engine.packing import Packing
from srft.engine.plan import Plan


def lean_hidden(
    model: LeanModel, packing: Packing, *, gradient_checkpointing: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """See `TrainingPass.hidden`. N tokens in line, M response tokens."""
    shape, weights = model.shape, model.weights(merged=False)
    plan = Plan.of(packing, model)
    hidden_NH = functional.embedding(torch.from_numpy(packing.id_N).to(model.device), weights.embedding_VH)
    for layer in weights.layers:
        if gradient_checkpointing and torch.is_grad_enabled():
            hidden_NH = checkpoint(_layer, shape.norm_eps, layer, hidden_NH, plan, use_reentrant=False)
        else:
            hidden_NH = _layer(shape.norm_eps, layer, hidden_NH, plan)
    hidden_NH = rms_norm(hidden_NH, weights.final_norm_H, shape.norm_eps)
    predictor_M = torch.from_numpy(packing.predictor_M).to(model.device)
    target_M = torch.from_numpy(packing.target_M).to(model.device)
    row_M = torch.from_numpy(packing.row_M).to(model.device)
    return hidden_NH.index_select(0, predictor_M), target_M, row_M


def _layer(norm_eps: float, layer: Layer, hidden_NH: Tensor, plan: Plan) -> Tensor:
    qkv_NX = normed_projection(hidden_NH, layer.input_norm_H, norm_eps, layer.qkv)
    hidden_NH = added(hidden_NH, attend(qkv_NX, layer, plan), layer.output)
    return gated_block(hidden_NH, layer.post_norm_H, norm_eps, layer.gate_up, layer.activation, layer.down)

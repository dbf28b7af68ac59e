"""Attention of a training pass: prompts among themselves, responses to their prompt and to themselves."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from srft.engine.lean import Layer, Shape
from srft.engine.plan import BlockPlan, Plan
from srft.engine.score_attention import score_attention, scores_per_layer

# Scores may take so many times the memory of a layer's hidden states.
MOST_SCORES = 8


def attend(qkv_NX: Tensor, layer: Layer, plan: Plan) -> Tensor:
    """[N, Q * D] for all tokens in line, from their queries, keys and values side by side."""
    shape = plan.shape
    if layer.query_norm_D is not None and layer.key_norm_D is not None:
        query_NX, key_NX, value_NX = _split(qkv_NX, shape)
        size = (shape.head_size,)
        query_NQD = functional.rms_norm(query_NX.unflatten(-1, (-1, *size)), size, layer.query_norm_D, shape.norm_eps)
        key_NKD = functional.rms_norm(key_NX.unflatten(-1, (-1, *size)), size, layer.key_norm_D, shape.norm_eps)
        qkv_NX = torch.cat([query_NQD.flatten(1), key_NKD.flatten(1), value_NX], dim=-1)
    few_scores = scores_per_layer(plan) <= MOST_SCORES * len(qkv_NX) * shape.hidden
    if qkv_NX.dtype == torch.float32 and few_scores:
        return score_attention(qkv_NX, plan)
    return _fused_attention(qkv_NX, plan)


def _fused_attention(qkv_NX: Tensor, plan: Plan) -> Tensor:
    """The same by torch's fused kernels, which keep no scores but want each row's prompt copied before its own keys."""
    shape = plan.shape
    query_NQD, key_NKD, value_NKD = (each.unflatten(-1, (-1, shape.head_size)) for each in _split(qkv_NX, shape))
    query_NQD, key_NKD = (_rotate(each, plan.cos_N1D, plan.sin_N1D) for each in (query_NQD, key_NKD))

    longest = max(block.width for block in plan.prompt_blocks)
    mixed, keys, values = [], [], []
    for block in plan.prompt_blocks:
        query, key, value = (_cut(each, block).transpose(1, 2) for each in (query_NQD, key_NKD, value_NKD))
        mixed.append(_line(_sdpa(query, key, value, None, shape), block))
        keys.append(functional.pad(key, (0, 0, 0, longest - block.width)))
        values.append(functional.pad(value, (0, 0, 0, longest - block.width)))
    prompt_key_PKSD, prompt_value_PKSD = torch.cat(keys), torch.cat(values)
    for block in plan.response_blocks:
        assert block.prompt_U is not None
        prompt_B = block.prompt_U.repeat_interleave(block.rows)
        query, key, value = (_cut(each, block).transpose(1, 2) for each in (query_NQD, key_NKD, value_NKD))
        key = torch.cat([prompt_key_PKSD[:, :, : block.span].index_select(0, prompt_B), key], dim=2)
        value = torch.cat([prompt_value_PKSD[:, :, : block.span].index_select(0, prompt_B), value], dim=2)
        mixed.append(_line(_sdpa(query, key, value, block, shape), block))
    return torch.cat(mixed)


def _split(qkv_NX: Tensor, shape: Shape) -> tuple[Tensor, ...]:
    heads = (shape.query_heads, shape.key_heads, shape.key_heads)
    return qkv_NX.split([count * shape.head_size for count in heads], dim=-1)


def _rotate(x_NKD: Tensor, cos_N1D: Tensor, sin_N1D: Tensor) -> Tensor:
    left, right = x_NKD.chunk(2, dim=-1)
    return x_NKD * cos_N1D + torch.cat([right, left], dim=-1) * sin_N1D


def _sdpa(query: Tensor, key: Tensor, value: Tensor, block: BlockPlan | None, shape: Shape) -> Tensor:
    grouped = shape.query_heads != shape.key_heads
    if block is None:
        return functional.scaled_dot_product_attention(
            query, key, value, is_causal=True, scale=shape.scale, enable_gqa=grouped
        )
    before_US = query.new_zeros((block.cells, block.span))
    if block.prompt_mask_US is not None:
        before_US = block.prompt_mask_US
    before_BCS = before_US.repeat_interleave(block.rows, 0)[:, None].expand(-1, block.width, -1)
    own_BCC = block.triangle_CC.expand(len(before_BCS), -1, -1)
    mask_BCX = torch.cat([before_BCS, own_BCC], dim=-1)[:, None]
    return functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask_BCX, scale=shape.scale, enable_gqa=grouped
    )


def _cut(each_NKD: Tensor, block: BlockPlan) -> Tensor:
    """[U * G, C, K, D] the padded block of all tokens in line."""
    own = each_NKD[block.first : block.first + block.tokens]
    if block.place_Z is not None:
        own = own.index_select(0, block.place_Z)
    return own.unflatten(0, (block.cells * block.rows, block.width))


def _line(mixed_BKCD: Tensor, block: BlockPlan) -> Tensor:
    """[tokens, K * D] the inverse of `_cut`, heads side by side."""
    mixed_ZX = mixed_BKCD.transpose(1, 2).flatten(0, 1).flatten(1)
    return mixed_ZX if block.real_N is None else mixed_ZX.index_select(0, block.real_N)

"""Attention of a training pass: prompts among themselves, responses to their prompt and to themselves."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from srft.engine.lean import Layer, LeanModel, Shape
from srft.engine.packing import Block, Packing


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPlan:
    """A block on the device. U cells, G rows, C tokens of a row, S tokens of a prompt."""

    first: int
    tokens: int
    cells: int
    rows: int
    width: int
    place_Z: Tensor | None
    """[U * G * C] the token, counted from `first`, at each place of the padded block; None without padding."""
    real_N: Tensor | None
    """[tokens] the place in the padded block of each token; None without padding."""
    prompt_U: Tensor | None
    """Number of each cell's prompt; None in a block of prompts."""
    span: int
    """S, the longest prompt before a cell."""
    prompt_mask_US: Tensor | None
    """True where a prompt has a token; None where all prompts are equally long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A packing on the device."""

    shape: Shape
    prompt_blocks: tuple[BlockPlan, ...]
    response_blocks: tuple[BlockPlan, ...]
    cos_N1D: Tensor
    sin_N1D: Tensor

    @staticmethod
    def of(packing: Packing, model: LeanModel) -> Plan:
        """Moves what attention needs to the model's device."""
        cos_PD, sin_PD = model.rotary(int(packing.position_N.max()) + 1)
        position_N = torch.from_numpy(packing.position_N).to(model.device)
        place = lambda block: _place(block, packing, model.device)  # noqa: E731
        return Plan(
            shape=model.shape,
            prompt_blocks=tuple(map(place, packing.prompt_blocks)),
            response_blocks=tuple(map(place, packing.response_blocks)),
            cos_N1D=cos_PD[position_N][:, None],
            sin_N1D=sin_PD[position_N][:, None],
        )


def attend(qkv_NX: Tensor, layer: Layer, plan: Plan) -> Tensor:
    """[N, Q * D] for all tokens in line, from their queries, keys and values side by side."""
    shape = plan.shape
    qkv_NXD = qkv_NX.unflatten(-1, (-1, shape.head_size))
    both = shape.query_heads + shape.key_heads
    qk_NXD, value_NKD = qkv_NXD[:, :both], qkv_NXD[:, both:]
    if layer.query_norm_D is not None and layer.key_norm_D is not None:
        size = (shape.head_size,)
        query = functional.rms_norm(qk_NXD[:, : shape.query_heads], size, layer.query_norm_D, shape.norm_eps)
        key = functional.rms_norm(qk_NXD[:, shape.query_heads :], size, layer.key_norm_D, shape.norm_eps)
        qk_NXD = torch.cat([query, key], dim=1)
    left, right = qk_NXD.chunk(2, dim=-1)
    qk_NXD = qk_NXD * plan.cos_N1D + torch.cat([right, left], dim=-1) * plan.sin_N1D
    query_NQD, key_NKD = qk_NXD[:, : shape.query_heads], qk_NXD[:, shape.query_heads :]

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


def _sdpa(query: Tensor, key: Tensor, value: Tensor, block: BlockPlan | None, shape: Shape) -> Tensor:
    grouped = shape.query_heads != shape.key_heads
    if block is None:
        return functional.scaled_dot_product_attention(
            query, key, value, is_causal=True, scale=shape.scale, enable_gqa=grouped
        )
    own_CC = torch.ones((block.width, block.width), dtype=torch.bool, device=query.device).tril()
    before_US = query.new_ones((block.cells, block.span), dtype=torch.bool)
    if block.prompt_mask_US is not None:
        before_US = block.prompt_mask_US
    before_BCS = before_US.repeat_interleave(block.rows, 0)[:, None].expand(-1, block.width, -1)
    mask_BCX = torch.cat([before_BCS, own_CC.expand(len(before_BCS), -1, -1)], dim=-1)[:, None]
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


def _place(block: Block, packing: Packing, device: torch.device) -> BlockPlan:
    cells, rows = block.length_UG.shape
    padded = block.tokens != cells * rows * block.width
    span, mask = 0, None
    if block.prompt_U is not None:
        length_U = torch.from_numpy(packing.prompt_length_P[block.prompt_U])
        span = int(length_U.max())
        if int(length_U.min()) < span:
            mask = (torch.arange(span) < length_U[:, None]).to(device)
    return BlockPlan(
        first=block.first,
        tokens=block.tokens,
        cells=cells,
        rows=rows,
        width=block.width,
        place_Z=torch.from_numpy(block.place_UGC().ravel()).to(device) if padded else None,
        real_N=torch.from_numpy(block.real()).to(device) if padded else None,
        prompt_U=None if block.prompt_U is None else torch.from_numpy(block.prompt_U).to(device),
        span=span,
        prompt_mask_US=mask,
    )

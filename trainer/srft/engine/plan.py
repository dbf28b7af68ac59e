"""A packing on the device, with what attention needs to know of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from srft.engine.lean import LeanModel, Shape
from srft.engine.packing import Block, Packing


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPlan:
    """A block on the device. U cells, G rows, C tokens of a row, S tokens of a prompt, Z = U * G * C places."""

    first: int
    tokens: int
    cells: int
    rows: int
    width: int
    place_Z: Tensor | None
    """The token, counted from `first`, at each place of the padded block; None without padding."""
    real: Tensor | None
    """[U, 1, G, C, 1] 1 at places that hold a token of their own, 0 at padding; None without padding."""
    real_N: Tensor | None
    """[tokens] the place of each token; None without padding."""
    prompt_U: Tensor | None
    """Number of each cell's prompt; None in a block of prompts."""
    span: int
    """S, the longest prompt before a cell; 0 in a block of prompts."""
    prompt_mask_US: Tensor | None
    """0 where a prompt has a token, minus infinity beyond its end; None where all prompts are equally long."""
    triangle_CC: Tensor
    """0 where a query sees a key of its row, minus infinity elsewhere."""
    cos: Tensor
    """[U, 1, G, C, 1, D] of each place's position."""
    sin: Tensor
    """The same, signed as in `LeanModel.rotary`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A packing on the device."""

    shape: Shape
    prompts: int
    prompt_blocks: tuple[BlockPlan, ...]
    response_blocks: tuple[BlockPlan, ...]
    cos_N1D: Tensor
    sin_N1D: Tensor

    @staticmethod
    def of(packing: Packing, model: LeanModel) -> Plan:
        """Moves what attention needs to the model's device."""
        cos_PD, sin_PD = model.rotary(int(packing.position_N.max()) + 1)
        position_N = torch.from_numpy(packing.position_N).to(model.device)
        cos_ND, sin_ND = cos_PD[position_N], sin_PD[position_N]
        return Plan(
            shape=model.shape,
            prompts=len(packing.prompt_length_P),
            prompt_blocks=tuple(_place(block, packing, cos_ND, sin_ND) for block in packing.prompt_blocks),
            response_blocks=tuple(_place(block, packing, cos_ND, sin_ND) for block in packing.response_blocks),
            cos_N1D=cos_ND[:, None],
            sin_N1D=sin_ND[:, None],
        )


def _place(block: Block, packing: Packing, cos_ND: Tensor, sin_ND: Tensor) -> BlockPlan:
    device = cos_ND.device
    cells, rows = block.length_UG.shape
    padded = block.tokens != cells * rows * block.width
    span, mask = 0, None
    if block.prompt_U is not None:
        length_U = torch.from_numpy(packing.prompt_length_P[block.prompt_U])
        span = int(length_U.max())
        if int(length_U.min()) < span:
            mask = _minus_infinity(torch.arange(span) >= length_U[:, None], cos_ND)
    place_Z = torch.from_numpy(block.place_UGC().ravel()).to(device)
    real_N = torch.from_numpy(block.real()).to(device)
    place = place_Z + block.first
    sizes = (cells, 1, rows, block.width, 1, cos_ND.shape[1])
    future_CC = torch.ones((block.width, block.width), dtype=torch.bool).triu(1)
    return BlockPlan(
        first=block.first,
        tokens=block.tokens,
        cells=cells,
        rows=rows,
        width=block.width,
        place_Z=place_Z if padded else None,
        real=cos_ND.new_zeros(len(place_Z)).index_fill_(0, real_N, 1).view(sizes[:-1]) if padded else None,
        real_N=real_N if padded else None,
        prompt_U=None if block.prompt_U is None else torch.from_numpy(block.prompt_U).to(device),
        span=span,
        prompt_mask_US=mask,
        triangle_CC=_minus_infinity(future_CC, cos_ND),
        cos=cos_ND[place].view(sizes),
        sin=sin_ND[place].view(sizes),
    )


def _minus_infinity(where: Tensor, like: Tensor) -> Tensor:
    return torch.zeros(where.shape, dtype=like.dtype, device=like.device).masked_fill_(
        where.to(like.device), float("-inf")
    )

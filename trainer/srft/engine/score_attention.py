"""Attention with its scores in memory: the fastest way for short sequences in float32.

All rows of a cell meet their prompt in one product, without a copy of its keys and values for each row. The softmax
runs over the prompt's scores and the row's own together and is divided out last, where there is least to divide:

    e = exp(s - max), o = e v / sum(e);    backward, with g = do / sum(e): dv = e^T g, ds = e (g v^T - sum(g o))

U cells, K key heads, G rows of a cell, C tokens of a row, R query heads for each key head, S tokens of a prompt, D head
size. Queries are laid out [U, K, G, C, R, D], keys and values [U, K, G, C, D]: views of both kinds of product.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from srft.engine.plan import BlockPlan, Plan

# Own scores are computed for so many queries at a time, against the keys up to the last of them: a sixth of the scores
# of a row of 128 tokens is then computed in vain, not half. More, smaller products are slower.
QUERIES_AT_A_TIME = 48


def score_attention(qkv_NX: Tensor, plan: Plan) -> Tensor:
    """[N, Q * D] from queries, keys and values side by side, not yet rotated. Differentiable once."""
    return _ScoreAttention.apply(qkv_NX, plan)


def scores_per_layer(plan: Plan) -> int:
    """How many scores a layer keeps for the backward pass."""
    rows = ((block, block.cells * block.rows * block.width) for block in plan.prompt_blocks + plan.response_blocks)
    return plan.shape.query_heads * sum(count * (block.span + block.width) for block, count in rows)


@dataclass(slots=True)
class _Kept:
    """What the backward pass of a block needs."""

    query: Tensor
    key: Tensor
    value: Tensor
    before: tuple[Tensor, Tensor] | None
    """Keys and values of the prompts, [U, K, S, D]."""
    before_weight: Tensor | None
    own_weights: list[Tensor]
    """Unnormalised, one for each piece of queries."""
    inverse: Tensor
    mixed: Tensor

    def tensors(self) -> list[Tensor | None]:
        """All of it, as autograd keeps it: counted, and given back, like everything else that a pass keeps."""
        before_key, before_value = self.before or (None, None)
        fixed = [self.query, self.key, self.value, before_key, before_value, self.before_weight]
        return [*fixed, self.inverse, self.mixed, *self.own_weights]

    @staticmethod
    def of(tensors: Sequence[Any]) -> _Kept:
        """The inverse of `tensors`."""
        query, key, value, before_key, before_value, before_weight, inverse, mixed, *own_weights = tensors
        return _Kept(
            query=query,
            key=key,
            value=value,
            before=None if before_key is None else (before_key, before_value),
            before_weight=before_weight,
            own_weights=own_weights,
            inverse=inverse,
            mixed=mixed,
        )


class _ScoreAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, qkv_NX: Tensor, plan: Plan) -> Tensor:
        shape = plan.shape
        mixed_NX = qkv_NX.new_empty((len(qkv_NX), shape.query_heads * shape.head_size))
        kept = []
        longest = max(block.width for block in plan.prompt_blocks)
        size = (2, plan.prompts, shape.key_heads, longest, shape.head_size)
        prompts_2PKSD = qkv_NX.new_zeros(size)
        first = 0
        for block in plan.prompt_blocks:
            kept.append(_forward(qkv_NX, mixed_NX, block, plan, None))
            here = prompts_2PKSD[:, first : first + block.cells, :, : block.width]
            here[0], here[1] = kept[-1].key[:, :, 0], kept[-1].value[:, :, 0]
            first += block.cells
        for block in plan.response_blocks:
            assert block.prompt_U is not None
            before = prompts_2PKSD[:, block.prompt_U, :, : block.span].contiguous()
            kept.append(_forward(qkv_NX, mixed_NX, block, plan, (before[0], before[1])))
        parts = [each.tensors() for each in kept]
        ctx.save_for_backward(*itertools.chain.from_iterable(parts))
        ctx.plan, ctx.lengths, ctx.prompt_size = plan, [len(part) for part in parts], size
        return mixed_NX

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_NX: Tensor) -> tuple[Tensor, None]:
        plan: Plan = ctx.plan
        shape = plan.shape
        grad_qkv_NX = grad_NX.new_empty((len(grad_NX), (shape.query_heads + 2 * shape.key_heads) * shape.head_size))
        grad_prompts_2PKSD = grad_NX.new_zeros(ctx.prompt_size)
        saved = iter(ctx.saved_tensors)
        kept = [_Kept.of(list(itertools.islice(saved, length))) for length in ctx.lengths]
        for block in reversed(plan.response_blocks):
            grads = _backward(grad_NX, block, plan, kept.pop())
            for total_PKSD, part_UKSD in zip(grad_prompts_2PKSD, (grads.before_key, grads.before_value), strict=True):
                assert part_UKSD is not None
                total_PKSD[:, :, : block.span].index_add_(0, block.prompt_U, part_UKSD)
            _write(grads, block, plan, grad_qkv_NX)
        first = plan.prompts
        for block in reversed(plan.prompt_blocks):
            first -= block.cells
            grads = _backward(grad_NX, block, plan, kept.pop())
            here = grad_prompts_2PKSD[:, first : first + block.cells, :, : block.width]
            grads.key[:, :, 0] += here[0]
            grads.value[:, :, 0] += here[1]
            _write(grads, block, plan, grad_qkv_NX)
        return grad_qkv_NX, None


def _forward(
    qkv_NX: Tensor, mixed_NX: Tensor, block: BlockPlan, plan: Plan, before: tuple[Tensor, Tensor] | None
) -> _Kept:
    query, key, value = _read(qkv_NX, block, plan)
    size, repeats = plan.shape.head_size, query.shape[4]
    query_BXD, key_BCD, value_BCD = query.view(-1, block.width * repeats, size), _batch(key), _batch(value)

    own_weights, largest, mixed_BXD = [], [], None
    for queries, keys in _pieces(block.width):
        score_BXC = torch.bmm(query_BXD[:, queries.start * repeats : queries.stop * repeats], key_BCD[:, keys].mT)
        triangle = block.triangle_CC[queries, queries].repeat_interleave(repeats, 0)
        score_BXC[:, :, queries] += triangle
        own_weights.append(score_BXC)
        largest.append(score_BXC.amax(dim=-1, keepdim=True))
    largest_BX1 = torch.cat(largest, dim=1) if len(largest) > 1 else largest[0]

    before_weight = None
    if before is not None:
        before_key, before_value = before[0].flatten(0, 1), before[1].flatten(0, 1)
        before_weight = torch.bmm(query.view(len(before_key), -1, size), before_key.mT)
        if block.prompt_mask_US is not None:
            masked = before_weight.view(block.cells, plan.shape.key_heads, -1, block.span)
            masked += block.prompt_mask_US[:, None, None]
        before_largest = before_weight.amax(dim=-1, keepdim=True).view_as(largest_BX1)
        largest_BX1 = torch.maximum(largest_BX1, before_largest)
        before_weight.sub_(largest_BX1.view(len(before_key), -1, 1)).exp_()
        sum_BX1 = before_weight.sum(dim=-1, keepdim=True).view_as(largest_BX1)
        mixed_BXD = torch.bmm(before_weight, before_value).view_as(query_BXD)
    else:
        sum_BX1 = torch.zeros_like(largest_BX1)

    pieces = []
    for (queries, keys), weight_BXC in zip(_pieces(block.width), own_weights, strict=True):
        here = slice(queries.start * repeats, queries.stop * repeats)
        weight_BXC.sub_(largest_BX1[:, here]).exp_()
        sum_BX1[:, here] += weight_BXC.sum(dim=-1, keepdim=True)
        pieces.append(torch.bmm(weight_BXC, value_BCD[:, keys]))
    own_BXD = torch.cat(pieces, dim=1) if len(pieces) > 1 else pieces[0]
    mixed_BXD = own_BXD if mixed_BXD is None else mixed_BXD.add_(own_BXD)
    inverse_BX1 = sum_BX1.reciprocal_()
    if block.real is not None:
        # Padding mixes to 0. It stands in for a real token, whose gradient then does not count a second time here.
        inverse_BX1.view(query.shape[:-1]).mul_(block.real)
    mixed = mixed_BXD.mul_(inverse_BX1).view_as(query)
    _to_line(mixed, block, mixed_NX)
    return _Kept(
        query=query,
        key=key,
        value=value,
        before=before,
        before_weight=before_weight,
        own_weights=own_weights,
        inverse=inverse_BX1,
        mixed=mixed,
    )


@dataclass(slots=True)
class _Gradients:
    query: Tensor
    key: Tensor
    value: Tensor
    before_key: Tensor | None
    before_value: Tensor | None


def _backward(grad_NX: Tensor, block: BlockPlan, plan: Plan, kept: _Kept) -> _Gradients:
    size, repeats = plan.shape.head_size, kept.query.shape[4]
    query_BXD, key_BCD, value_BCD = (
        kept.query.view(-1, block.width * repeats, size),
        _batch(kept.key),
        _batch(kept.value),
    )
    grad = torch.empty_like(kept.mixed)
    _from_line(grad_NX, block, grad)
    grad_BXD = grad.view_as(query_BXD).mul_(kept.inverse)
    shift_BX1 = (grad_BXD * kept.mixed.view_as(grad_BXD)).sum(dim=-1, keepdim=True)

    grad_before_key = grad_before_value = grad_query_BXD = None
    if kept.before is not None and kept.before_weight is not None:
        before_key, before_value = kept.before[0].flatten(0, 1), kept.before[1].flatten(0, 1)
        grad_YXD = grad_BXD.view(len(before_key), -1, size)
        grad_before_value = torch.bmm(kept.before_weight.mT, grad_YXD).view_as(kept.before[1])
        grad_score = torch.bmm(grad_YXD, before_value.mT)
        grad_score.sub_(shift_BX1.view(len(before_key), -1, 1)).mul_(kept.before_weight)
        grad_query_BXD = torch.bmm(grad_score, before_key).view_as(query_BXD)
        grad_before_key = torch.bmm(grad_score.mT, query_BXD.view(len(before_key), -1, size)).view_as(kept.before[0])

    pieces = list(zip(_pieces(block.width), kept.own_weights, strict=True))
    whole = len(pieces) == 1
    grad_key_BCD = torch.empty_like(key_BCD) if whole else torch.zeros_like(key_BCD)
    grad_value_BCD = torch.empty_like(value_BCD) if whole else torch.zeros_like(value_BCD)
    own_query = []
    for (queries, keys), weight_BXC in pieces:
        here = slice(queries.start * repeats, queries.stop * repeats)
        grad_score = torch.bmm(grad_BXD[:, here], value_BCD[:, keys].mT)
        grad_score.sub_(shift_BX1[:, here]).mul_(weight_BXC)
        own_query.append(torch.bmm(grad_score, key_BCD[:, keys]))
        if whole:
            torch.bmm(weight_BXC.mT, grad_BXD, out=grad_value_BCD)
            torch.bmm(grad_score.mT, query_BXD, out=grad_key_BCD)
        else:
            grad_value_BCD[:, keys] += torch.bmm(weight_BXC.mT, grad_BXD[:, here])
            grad_key_BCD[:, keys] += torch.bmm(grad_score.mT, query_BXD[:, here])
    own_query_BXD = own_query[0] if whole else torch.cat(own_query, dim=1)
    grad_query_BXD = own_query_BXD if grad_query_BXD is None else grad_query_BXD.add_(own_query_BXD)
    return _Gradients(
        query=grad_query_BXD.view_as(kept.query),
        key=grad_key_BCD.view_as(kept.key),
        value=grad_value_BCD.view_as(kept.value),
        before_key=grad_before_key,
        before_value=grad_before_value,
    )


def _read(qkv_NX: Tensor, block: BlockPlan, plan: Plan) -> tuple[Tensor, Tensor, Tensor]:
    """Scaled and rotated queries, rotated keys, values, out of the line into the block's layout."""
    shape = plan.shape
    own_ZX = qkv_NX[block.first : block.first + block.tokens]
    if block.place_Z is not None:
        own_ZX = own_ZX.index_select(0, block.place_Z)
    parts = own_ZX.split(
        [heads * shape.head_size for heads in (shape.query_heads, shape.key_heads, shape.key_heads)], -1
    )
    query, key, value = (_heads(part, block, plan) for part in parts)
    cos, sin = block.cos, block.sin
    return (
        _rotate(query, cos * shape.scale, sin * shape.scale),
        _rotate(key, cos, sin).squeeze(4),
        value.squeeze(4).contiguous(),
    )


def _write(grads: _Gradients, block: BlockPlan, plan: Plan, grad_qkv_NX: Tensor) -> None:
    """The inverse of `_read`, into the gradient of the line. A rotation's transpose is the rotation back."""
    shape = plan.shape
    sizes = [heads * shape.head_size for heads in (shape.query_heads, shape.key_heads, shape.key_heads)]
    line_NX = grad_qkv_NX[block.first : block.first + block.tokens]
    padded = block.real_N is not None
    target_ZX = line_NX.new_empty((block.cells * block.rows * block.width, sum(sizes))) if padded else line_NX
    query, key, value = (_heads(part, block, plan) for part in target_ZX.split(sizes, -1))
    cos, sin = block.cos, block.sin
    _rotate(grads.query, cos * shape.scale, sin * -shape.scale, out=query)
    _rotate(grads.key.unsqueeze(4), cos, -sin, out=key)
    value.copy_(grads.value.unsqueeze(4))
    if block.real_N is not None:
        torch.index_select(target_ZX, 0, block.real_N, out=line_NX)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor, out: Tensor | None = None) -> Tensor:
    """x * cos + (x with its halves swapped) * sin; contiguous unless `out` says where."""
    if out is None:
        out = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    half = x.shape[-1] // 2
    torch.mul(x, cos, out=out)
    out[..., :half].addcmul_(x[..., half:], sin[..., :half])
    out[..., half:].addcmul_(x[..., :half], sin[..., half:])
    return out


def _heads(part_ZX: Tensor, block: BlockPlan, plan: Plan) -> Tensor:
    """[U, K, G, C, R, D] a view."""
    sizes = (block.cells, block.rows, block.width, plan.shape.key_heads, -1, plan.shape.head_size)
    return part_ZX.unflatten(-1, sizes[3:]).unflatten(0, sizes[:3]).permute(0, 3, 1, 2, 4, 5)


def _to_line(mixed: Tensor, block: BlockPlan, mixed_NX: Tensor) -> None:
    line_NX = mixed_NX[block.first : block.first + block.tokens]
    mixed_ZX = mixed.permute(0, 2, 3, 1, 4, 5)
    if block.real_N is None:
        line_NX.view(mixed_ZX.shape).copy_(mixed_ZX)
    else:
        torch.index_select(mixed_ZX.reshape(-1, line_NX.shape[1]), 0, block.real_N, out=line_NX)


def _from_line(grad_NX: Tensor, block: BlockPlan, grad: Tensor) -> None:
    line_NX = grad_NX[block.first : block.first + block.tokens]
    cells, keys, rows, width, repeats, size = grad.shape
    if block.place_Z is not None:
        line_NX = line_NX.index_select(0, block.place_Z)
    grad.copy_(line_NX.view(cells, rows, width, keys, repeats, size).permute(0, 3, 1, 2, 4, 5))


def _batch(each: Tensor) -> Tensor:
    """[U * K * G, C, D]."""
    return each.flatten(0, 2)


def _pieces(width: int) -> Iterator[tuple[slice, slice]]:
    """(queries, the keys they see)."""
    for first in range(0, width, QUERIES_AT_A_TIME):
        last = min(first + QUERIES_AT_A_TIME, width)
        yield slice(first, last), slice(0, last)

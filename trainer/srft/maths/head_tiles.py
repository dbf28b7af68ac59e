"""How the loss head is cut into tiles, and what its matrix products multiply and sum."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

# Inside, a logit z is counted in bits (units of ln 2), the factor riding on the matrix product for nothing: where its
# result underflows, as in every peaked distribution, torch.exp takes 30 ns an element on a CPU; torch.exp2 takes 0.3.
LN2 = math.log(2.0)


_KEPT_TILE_BYTES = 2**21
"""Where logits are kept, only passes over memory are left to save, so a tile fits the cache of one processor core."""
_ALIGNMENT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiling:
    """How [tokens, vocabulary] is cut into tiles of limited size."""

    tokens: int
    vocabulary: int
    chunk_tokens: int
    slice_width: int
    keeps_logits: bool
    """All logits together are no larger than one tile may be: keep them for backward."""

    @staticmethod
    def of(tokens: int, vocabulary: int, itemsize: int, chunk_bytes: int) -> Tiling:
        """Tiles of at most `chunk_bytes` (but one element at least), square if the shape allows."""
        keeps_logits = tokens * vocabulary * itemsize <= chunk_bytes
        elements = max(1, (min(chunk_bytes, _KEPT_TILE_BYTES) if keeps_logits else chunk_bytes) // itemsize)
        widest = vocabulary if keeps_logits else max(math.isqrt(elements), elements // tokens)
        slice_width = _even_share(vocabulary, widest)
        return Tiling(
            tokens=tokens,
            vocabulary=vocabulary,
            chunk_tokens=_even_share(tokens, max(1, elements // slice_width)),
            slice_width=slice_width,
            keeps_logits=keeps_logits,
        )

    @property
    def tile_size(self) -> int:
        """Elements of the largest tile."""
        return min(self.tokens, self.chunk_tokens) * self.slice_width

    def slices(self) -> Iterator[slice]:
        """Of the vocabulary."""
        return _cut(self.vocabulary, self.slice_width)

    def chunks(self) -> Iterator[slice]:
        """Of the tokens."""
        return _cut(self.tokens, self.chunk_tokens)


def tile(scratch: Tensor, rows: slice, columns: slice) -> Tensor:
    """[n, v] in the first elements of scratch memory."""
    n, v = rows.stop - rows.start, columns.stop - columns.start
    return scratch[: n * v].view(n, v)


def _even_share(length: int, largest: int) -> int:
    """The size of equal pieces of `length` no larger than `largest`: 100 in pieces of at most 60 is twice 50.

    Rounded up to whole cache lines where that fits: matrices with ragged rows multiply up to a quarter slower.
    """
    if length <= largest:
        return max(1, length)
    largest = largest // _ALIGNMENT * _ALIGNMENT or largest
    share = math.ceil(length / math.ceil(length / largest))
    return min(largest, math.ceil(share / _ALIGNMENT) * _ALIGNMENT)


def _cut(length: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, length)) for start in range(0, length, size))


@dataclass(frozen=True, slots=True, kw_only=True)
class LowRank:
    """What LoRA adds to the head: logits are hidden_NR B^T, with hidden_NR = scale * hidden A^T."""

    hidden_NR: Tensor
    a_RH: Tensor
    b_VR: Tensor
    scale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the matrix products multiply. `dtype` is that of all sums; on CUDA, bfloat16 factors stay as they are."""

    hidden_NH: Tensor
    weight_VH: Tensor
    bias_V: Tensor | None
    low_rank: LowRank | None
    bits_per_logit: float
    dtype: torch.dtype

    @staticmethod
    def of(
        hidden_NH: Tensor,
        weight_VH: Tensor,
        bias_V: Tensor | None,
        a_RH: Tensor | None,
        b_VR: Tensor | None,
        lora_scale: float,
        temperature: float,
    ) -> Head:
        """16-bit factors are widened here, the weight slice by slice."""
        dtype = torch.float64 if torch.float64 in (hidden_NH.dtype, weight_VH.dtype) else torch.float32
        on_tensor_cores = hidden_NH.is_cuda and hidden_NH.dtype == weight_VH.dtype == torch.bfloat16
        low_rank = None
        if a_RH is not None and b_VR is not None:
            hidden_NR = hidden_NH.to(dtype) @ a_RH.to(dtype).t() * lora_scale
            low_rank = LowRank(hidden_NR=hidden_NR, a_RH=a_RH.to(dtype), b_VR=b_VR, scale=lora_scale)
        return Head(
            hidden_NH=hidden_NH if on_tensor_cores else hidden_NH.to(dtype),
            weight_VH=weight_VH,
            bias_V=bias_V,
            low_rank=low_rank,
            bits_per_logit=1 / (LN2 * temperature),
            dtype=dtype,
        )

    def part(self, columns: slice) -> HeadSlice:
        """The head of one slice of the vocabulary."""
        return HeadSlice(
            head=self,
            columns=columns,
            weight_vH=self.weight_VH[columns].to(self.hidden_NH.dtype),
            bias_v=None if self.bias_V is None else self.bias_V[columns].to(self.dtype),
            b_vR=None if self.low_rank is None else self.low_rank.b_VR[columns].to(self.dtype),
        )

    def full(self, length: int, value: float) -> Tensor:
        """A vector of one value, on the head's device, of the type of its sums."""
        return self.hidden_NH.new_full((length,), value, dtype=self.dtype)

    def zeros_like_hidden(self) -> Tensor:
        """[N, H] of zeros of the type of its sums."""
        return torch.zeros_like(self.hidden_NH, dtype=self.dtype)

    def empty(self, *shape: int) -> Tensor:
        """Uninitialised memory likewise."""
        return self.hidden_NH.new_empty(shape, dtype=self.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadSlice:
    """The head of one slice of the vocabulary."""

    head: Head
    columns: slice
    weight_vH: Tensor
    bias_v: Tensor | None
    b_vR: Tensor | None

    def write_logits(self, z_nv: Tensor, rows: slice) -> None:
        """Overwrites `z_nv` by one tile of logits / temperature, in bits."""
        low_rank, bits = self.head.low_rank, self.head.bits_per_logit
        if self.bias_v is None:
            z_nv.zero_()
        else:
            z_nv.copy_(self.bias_v * bits)
        add_product(z_nv, self.head.hidden_NH[rows], self.weight_vH.t(), factor=bits)
        if low_rank is not None and self.b_vR is not None:
            add_product(z_nv, low_rank.hidden_NR[rows], self.b_vR.t(), factor=bits)


class HeadGradients:
    """The gradients of all inputs, summed over tiles in the head's dtype and rounded to the input's once."""

    def __init__(self, head: Head, inputs: Sequence[Tensor | None], *, needed: Sequence[bool]) -> None:
        self._head, self._inputs = head, inputs
        hidden, weight, bias, a, b = needed[:5]
        low_rank, dtype = head.low_rank, head.dtype
        self._a_needed = a
        self._hidden_NH = head.zeros_like_hidden() if hidden else None
        self._low_rank_NR = torch.zeros_like(low_rank.hidden_NR) if low_rank and (hidden or a) else None
        self._b_VR = torch.zeros_like(low_rank.b_VR, dtype=dtype) if low_rank and b else None
        self._bias_V = torch.zeros_like(head.bias_V, dtype=dtype) if head.bias_V is not None and bias else None
        # Slice by slice in its own type, so that a 16-bit weight needs no second, wider gradient of full size.
        self._weight_VH = torch.empty_like(head.weight_VH) if weight else None
        self._weight_vH: Tensor | None = None

    def begin(self, columns: slice) -> None:
        """Start on a slice of the vocabulary."""
        if self._weight_VH is not None:
            self._weight_vH = self._weight_VH[columns].to(self._head.dtype).zero_()

    def add(self, part: HeadSlice, rows: slice, grad_nv: Tensor) -> None:
        """Add what one tile of gradients at the (unscaled) logits gives."""
        head, low_rank = self._head, self._head.low_rank
        if self._hidden_NH is not None:
            add_product(self._hidden_NH[rows], grad_nv, part.weight_vH)
        if self._weight_vH is not None:
            add_product(self._weight_vH, grad_nv.t(), head.hidden_NH[rows])
        if self._bias_V is not None:
            self._bias_V[part.columns] += grad_nv.sum(0)
        if self._low_rank_NR is not None and part.b_vR is not None:
            add_product(self._low_rank_NR[rows], grad_nv, part.b_vR)
        if self._b_VR is not None and low_rank is not None:
            add_product(self._b_VR[part.columns], grad_nv.t(), low_rank.hidden_NR[rows])

    def end(self, columns: slice) -> None:
        """All tokens of the slice are in."""
        if (
            self._weight_VH is not None
            and self._weight_vH is not None
            and self._weight_VH.dtype != self._weight_vH.dtype
        ):
            self._weight_VH[columns] = self._weight_vH

    def result(self) -> tuple[Tensor | None, ...]:
        """Gradients of hidden states, weight, bias, A and B; None where none is needed."""
        low_rank, a_RH = self._head.low_rank, None
        if low_rank is not None and self._low_rank_NR is not None:
            if self._hidden_NH is not None:
                self._hidden_NH.addmm_(self._low_rank_NR, low_rank.a_RH, alpha=low_rank.scale)
            if self._a_needed:
                a_RH = self._low_rank_NR.t() @ self._head.hidden_NH.to(self._head.dtype) * low_rank.scale
        totals = self._hidden_NH, self._weight_VH, self._bias_V, a_RH, self._b_VR
        return tuple(
            total if total is None or given is None else total.to(given.dtype)
            for total, given in zip(totals, self._inputs, strict=True)
        )


def add_product(total: Tensor, left: Tensor, right: Tensor, *, factor: float = 1.0) -> None:
    """total += factor * left @ right, summed in the type of `total`."""
    if right.dtype == total.dtype:
        total.addmm_(left, right, alpha=factor)
        return
    # bfloat16 factors under a float32 total: a float32 left side goes in as two bfloat16 numbers, 16 bits of mantissa.
    leading = left.to(right.dtype)
    total.add_(_wide_product(leading, right, total.dtype), alpha=factor)
    if left.dtype != right.dtype:
        total.add_(_wide_product((left - leading).to(right.dtype), right, total.dtype), alpha=factor)


def _wide_product(left: Tensor, right: Tensor, dtype: torch.dtype) -> Tensor:
    """Product of bfloat16 matrices without rounding to bfloat16; CUDA only."""
    return torch.mm(left, right, out_dtype=dtype)

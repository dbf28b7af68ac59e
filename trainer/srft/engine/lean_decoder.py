"""Prefill and decoding of the Llama family.

What a prefix left in the cache is stored once, however many rows continue it: in a decoding step the rows of one prefix
attend to it in one product. What a row wrote itself lies in a preallocated cache whose columns all rows share: every
row writes its next keys into the same column, rows that joined later ignore the columns before their first.

B rows, P prefixes, G most rows of one prefix, S longest prefix, T columns of own tokens, K key heads, R query heads for
each key head, D head size, H hidden, V vocabulary, L layers; 2: keys and values.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from srft.engine.kernels import added, rms_norm
from srft.engine.lean import Layer, LeanModel, Weights

# Prefixes are prefilled in batches of about so many tokens, longest first.
PREFILL_TOKENS = 8192


class _LayerCache:
    """Views of what one layer keeps. X = B * K, Y = P * K."""

    def __init__(self, own_2BKTD: Tensor, prefix_2PKSD: Tensor) -> None:
        self.own_key_BKTD, self.own_value_BKTD = own_2BKTD.unbind(0)
        self.own_key_XTD, self.own_value_XTD = self.own_key_BKTD.flatten(0, 1), self.own_value_BKTD.flatten(0, 1)
        self.prefix_key_YSD, self.prefix_value_YSD = (each.flatten(0, 1) for each in prefix_2PKSD.unbind(0))


class LeanDecoder:
    """See `decoding.Decoder`."""

    equal_lengths = False
    admits_while_running = True

    def __init__(self, model: LeanModel, weights: Weights) -> None:
        self._shape, self._weights, self._model = model.shape, weights, model
        shape, device = model.shape, model.device
        self._own = torch.empty(
            (shape.layers, 2, 0, shape.key_heads, 0, shape.head_size), device=device, dtype=model.dtype
        )
        self._prefix = self._own
        self._column = 0
        # One entry a row: its prefix, the column of its first own token, the length of its prefix.
        self._prefix_B = np.empty(0, dtype=np.int64)
        self._start_B = np.empty(0, dtype=np.int64)
        self._prefix_length_P = np.empty(0, dtype=np.int64)
        self._arranged = False

    def admit(self, prefixes: Sequence[Sequence[int]], copies: Sequence[int], longest: int) -> Tensor:
        """See `decoding.Decoder.admit`."""
        self._drop_idle_prefixes()
        known = len(self._prefix_length_P)
        lengths = [len(prefix) for prefix in prefixes]
        self._prefix_length_P = np.concatenate([self._prefix_length_P, np.array(lengths, dtype=np.int64)])
        self._prefix = _enlarge(self._prefix, rows=len(self._prefix_length_P), columns=max(lengths), fill=0.0)
        logits_PV = self._prefill(prefixes, known)

        live, rows = len(self._prefix_B), len(self._prefix_B) + sum(copies)
        self._make_room(rows, longest)
        # Masked columns get weight 0, but 0 times whatever memory holds need not be 0.
        self._own[:, :, live:rows, :, : self._column] = 0
        new_P = np.arange(known, known + len(prefixes))
        self._prefix_B = np.concatenate([self._prefix_B, np.repeat(new_P, copies)])
        self._start_B = np.concatenate([self._start_B, np.full(sum(copies), self._column, dtype=np.int64)])
        self._arranged = False
        return logits_PV.repeat_interleave(torch.tensor(copies, device=logits_PV.device), dim=0)

    def step(self, token_B: Tensor) -> Tensor:
        """See `decoding.Decoder.step`."""
        if not self._arranged:
            self._arrange()
        column = self._column
        self._column += 1
        cos_B1D, sin_B1D = (each.index_select(0, self._position_B + column)[:, None] for each in self._rotary)
        hidden_BH = functional.embedding(token_B, self._weights.embedding_VH)
        for layer, cache in zip(self._weights.layers, self._caches, strict=True):
            query_BQD, key_BKD, value_BKD = self._project(layer, hidden_BH, cos_B1D, sin_B1D)
            cache.own_key_BKTD[:, :, column] = key_BKD
            cache.own_value_BKTD[:, :, column] = value_BKD
            hidden_BH = self._finish(layer, hidden_BH, self._attend(query_BQD, cache, column + 1))
        return self._head(hidden_BH)

    def keep(self, order: np.ndarray) -> None:
        """See `decoding.Decoder.keep`."""
        moved = np.flatnonzero(order != np.arange(len(order)))
        if len(moved):
            to = torch.from_numpy(moved).to(self._own.device)
            source = torch.from_numpy(order[moved]).to(self._own.device)
            used = self._own[:, :, :, :, : self._column]
            used[:, :, to] = used[:, :, source]
        self._prefix_B, self._start_B = self._prefix_B[order], self._start_B[order]
        if not len(order):
            self._column = 0
        self._arranged = False

    # ------------------------------------------------------------ the forward pass

    def _project(
        self, layer: Layer, hidden_NH: Tensor, cos_N1D: Tensor, sin_N1D: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Rotated queries [N, Q, D], rotated keys and values [N, K, D]."""
        shape = self._shape
        both = shape.query_heads + shape.key_heads
        input_NH = rms_norm(hidden_NH, layer.input_norm_H, shape.norm_eps)
        qkv_NXD = layer.qkv(input_NH).unflatten(-1, (-1, shape.head_size))
        qk_NXD, value_NKD = qkv_NXD[:, :both], qkv_NXD[:, both:]
        if layer.query_norm_D is not None and layer.key_norm_D is not None:
            query_NQD, key_NKD = qk_NXD[:, : shape.query_heads], qk_NXD[:, shape.query_heads :]
            size = (shape.head_size,)
            query_NQD = functional.rms_norm(query_NQD, size, layer.query_norm_D, shape.norm_eps)
            qk_NXD = torch.cat([query_NQD, functional.rms_norm(key_NKD, size, layer.key_norm_D, shape.norm_eps)], dim=1)
        left_NXE, right_NXE = qk_NXD.chunk(2, dim=-1)
        rotated_NXD = torch.cat([right_NXE, left_NXE], dim=-1).mul_(sin_N1D).addcmul_(qk_NXD, cos_N1D)
        return rotated_NXD[:, : shape.query_heads], rotated_NXD[:, shape.query_heads :], value_NKD

    def _finish(self, layer: Layer, hidden_NH: Tensor, mixed_NH: Tensor) -> Tensor:
        """The rest of a layer after its attention."""
        hidden_NH = added(hidden_NH, mixed_NH, layer.output)
        input_NH = rms_norm(hidden_NH, layer.post_norm_H, self._shape.norm_eps)
        gate_NF, up_NF = layer.gate_up(input_NH).chunk(2, dim=-1)
        return added(hidden_NH, layer.activation(gate_NF).mul_(up_NF), layer.down)

    def _head(self, hidden_BH: Tensor) -> Tensor:
        return self._weights.head(rms_norm(hidden_BH, self._weights.final_norm_H, self._shape.norm_eps))

    def _attend(self, query_BQD: Tensor, cache: _LayerCache, columns: int) -> Tensor:
        """[B, Q * D] attention of each row's newest token to its prefix and its first `columns` own tokens."""
        shape, size, span = self._shape, self._shape.head_size, self._prefix.shape[4]
        rows_XRD = (query_BQD * shape.scale).view(-1, shape.query_heads // shape.key_heads, size)
        own_XRT = torch.bmm(rows_XRD, cache.own_key_XTD[:, :columns].mT)
        before_XRS = self._from_grid(torch.bmm(self._to_grid(rows_XRD), cache.prefix_key_YSD.mT))

        score_XRC = torch.cat([before_XRS, own_XRT], dim=-1)
        if self._mask_X1C is not None:
            score_XRC += self._mask_X1C[:, :, : span + columns]
        weight_XRC = score_XRC.softmax(dim=-1, dtype=torch.float32).to(query_BQD.dtype)
        mixed_XRD = self._from_grid(torch.bmm(self._to_grid(weight_XRC[:, :, :span]), cache.prefix_value_YSD))
        mixed_XRD = torch.baddbmm(mixed_XRD, weight_XRC[:, :, span:], cache.own_value_XTD[:, :columns])
        return mixed_XRD.view(len(query_BQD), -1)

    def _to_grid(self, rows_XRC: Tensor) -> Tensor:
        """[P * K, G * R, C]: the rows of one prefix side by side; places without a row hold some row's numbers."""
        prefixes = len(self._prefix_length_P) * self._shape.key_heads
        return rows_XRC.index_select(0, self._row_Z).view(prefixes, -1, rows_XRC.shape[2])

    def _from_grid(self, grid_YGC: Tensor) -> Tensor:
        """[B * K, R, C]: the inverse of `_to_grid`."""
        repeats = self._shape.query_heads // self._shape.key_heads
        return grid_YGC.view(-1, repeats, grid_YGC.shape[2]).index_select(0, self._place_X)

    def _prefill(self, prefixes: Sequence[Sequence[int]], known: int) -> Tensor:
        """[new prefixes, V] logits after each; fills the cache of prefixes from `known` on."""
        shape = self._shape
        order = sorted(range(len(prefixes)), key=lambda index: -len(prefixes[index]))
        last_PH = torch.empty((len(prefixes), shape.hidden), device=self._own.device, dtype=self._own.dtype)
        while order:
            width = len(prefixes[order[0]])
            here, order = order[: max(1, PREFILL_TOKENS // width)], order[max(1, PREFILL_TOKENS // width) :]
            ids_PS = torch.zeros((len(here), width), dtype=torch.long)
            for row, index in enumerate(here):
                ids_PS[row, : len(prefixes[index])] = torch.tensor(prefixes[index])
            cos_SD, sin_SD = (each[:width].repeat(len(here), 1)[:, None] for each in self._model.rotary(width))
            hidden_NH = functional.embedding(ids_PS.to(self._own.device).flatten(), self._weights.embedding_VH)
            rows = torch.tensor(here, device=self._own.device) + known
            for index, layer in enumerate(self._weights.layers):
                qkv = self._project(layer, hidden_NH, cos_SD, sin_SD)
                query_PQSD, key_PKSD, value_PKSD = (
                    each.unflatten(0, (len(here), width)).transpose(1, 2) for each in qkv
                )
                self._prefix[index, 0, rows, :, :width] = key_PKSD
                self._prefix[index, 1, rows, :, :width] = value_PKSD
                # Padding stands on the right, behind every real token, so causality alone hides it.
                mixed_PQSD = functional.scaled_dot_product_attention(
                    query_PQSD,
                    key_PKSD,
                    value_PKSD,
                    is_causal=True,
                    scale=shape.scale,
                    enable_gqa=shape.key_heads != shape.query_heads,
                )
                hidden_NH = self._finish(layer, hidden_NH, mixed_PQSD.transpose(1, 2).reshape(len(hidden_NH), -1))
            ends = torch.tensor([row * width + len(prefixes[index]) - 1 for row, index in enumerate(here)])
            last_PH[rows - known] = hidden_NH[ends.to(hidden_NH.device)]
        return self._head(last_PH)

    # ------------------------------------------------------------ where things lie

    def _arrange(self) -> None:
        """After rows came or went: where each row stands in the grid of prefixes, and what it must not see."""
        device, rows, keys = self._own.device, len(self._prefix_B), self._shape.key_heads
        self._drop_idle_prefixes()
        count_P = np.bincount(self._prefix_B, minlength=len(self._prefix_length_P))
        by_prefix = np.argsort(self._prefix_B, kind="stable")
        place_B = np.empty(rows, dtype=np.int64)
        place_B[by_prefix] = np.arange(rows) - np.repeat(np.cumsum(count_P) - count_P, count_P)
        # One place for each prefix, key head and row of the prefix, in this order.
        row_PKG = np.zeros((len(count_P), keys, int(count_P.max())), dtype=np.int64)
        head_K = np.arange(keys)
        row_PKG[self._prefix_B[:, None], head_K, place_B[:, None]] = np.arange(rows)[:, None] * keys + head_K
        place_BK = (self._prefix_B[:, None] * keys + head_K) * row_PKG.shape[2] + place_B[:, None]
        self._row_Z = torch.from_numpy(row_PKG.ravel()).to(device)
        self._place_X = torch.from_numpy(place_BK.ravel()).to(device)

        length_B = self._prefix_length_P[self._prefix_B]
        self._position_B = torch.from_numpy(length_B - self._start_B).to(device)
        self._rotary = self._model.rotary(int(length_B.max()) + self._own.shape[4])
        hidden_BC = np.concatenate(
            [
                np.arange(self._prefix.shape[4]) >= length_B[:, None],
                np.arange(self._own.shape[4]) < self._start_B[:, None],
            ],
            axis=1,
        )
        self._mask_X1C = None
        if hidden_BC.any():
            mask_BC = torch.zeros(hidden_BC.shape, device=device, dtype=self._own.dtype)
            mask_BC.masked_fill_(torch.from_numpy(hidden_BC).to(device), float("-inf"))
            self._mask_X1C = mask_BC.repeat_interleave(keys, dim=0)[:, None]
        self._caches = [
            _LayerCache(own_2BKTD=own[:, :rows], prefix_2PKSD=prefix)
            for own, prefix in zip(self._own, self._prefix, strict=True)
        ]
        self._arranged = True

    def _drop_idle_prefixes(self) -> None:
        """Forgets prefixes that no row continues, once they are half of all."""
        live_P = np.unique(self._prefix_B)
        if 2 * len(live_P) > len(self._prefix_length_P):
            return
        self._prefix = self._prefix[:, :, torch.from_numpy(live_P).to(self._prefix.device)]
        self._prefix_length_P = self._prefix_length_P[live_P]
        self._prefix_B = np.searchsorted(live_P, self._prefix_B)
        self._arranged = False

    def _make_room(self, rows: int, longest: int) -> None:
        """Room for so many rows, and for `longest` more columns."""
        unused = int(self._start_B.min()) if len(self._start_B) else self._column
        if unused:
            kept = self._own[:, :, :, :, unused : self._column].clone()
            self._own[:, :, :, :, : kept.shape[4]] = kept
            self._column -= unused
            self._start_B = self._start_B - unused
        self._own = _enlarge(self._own, rows=rows, columns=self._column + longest, fill=None)


def _enlarge(cache_L2BKTD: Tensor, *, rows: int, columns: int, fill: float | None) -> Tensor:
    """A cache with at least so many rows and columns that begins with the given one; what is new holds `fill`.

    None: whatever memory holds. Pages of a large cache that no row ever reaches are then never touched.
    """
    layers, two, old_rows, heads, old_columns, size = cache_L2BKTD.shape
    if rows <= old_rows and columns <= old_columns:
        return cache_L2BKTD
    shape = (layers, two, max(rows, old_rows), heads, max(columns, old_columns), size)
    larger = cache_L2BKTD.new_empty(shape) if fill is None else cache_L2BKTD.new_full(shape, fill)
    larger[:, :, :old_rows, :, :old_columns] = cache_L2BKTD
    return larger

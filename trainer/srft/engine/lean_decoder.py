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

from srft.engine.lean import Layer, LeanModel, Weights

# Prefixes are prefilled in batches of about so many tokens, longest first.
PREFILL_TOKENS = 8192


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
        self._prefix = _enlarge(self._prefix, rows=len(self._prefix_length_P), columns=max(lengths))
        logits_PV = self._prefill(prefixes, known)

        self._make_room(len(self._prefix_B) + sum(copies), longest)
        new_P = np.arange(known, known + len(prefixes))
        self._prefix_B = np.concatenate([self._prefix_B, np.repeat(new_P, copies)])
        self._start_B = np.concatenate([self._start_B, np.full(sum(copies), self._column, dtype=np.int64)])
        self._arranged = False
        return logits_PV.repeat_interleave(torch.tensor(copies, device=logits_PV.device), dim=0)

    def step(self, token_B: Tensor) -> Tensor:
        """See `decoding.Decoder.step`."""
        if not self._arranged:
            self._arrange()
        column, rows = self._column, len(self._prefix_B)
        self._column += 1
        position_B = self._position_B + column
        cos_BD, sin_BD = self._cos_PD[position_B][:, None], self._sin_PD[position_B][:, None]
        hidden_BH = functional.embedding(token_B, self._weights.embedding_VH)
        for index, layer in enumerate(self._weights.layers):
            query_BQD, key_BKD, value_BKD = self._project(layer, hidden_BH, cos_BD, sin_BD)
            own = self._own[index, :, :rows]
            own[0, :, :, column] = key_BKD
            own[1, :, :, column] = value_BKD
            mixed_BH = self._attend(query_BQD, own[:, :, :, : column + 1], self._prefix[index])
            hidden_BH = self._finish(layer, hidden_BH, mixed_BH)
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
        """Scaled and rotated queries [N, Q, D], rotated keys and values [N, K, D]."""
        shape = self._shape
        both = shape.query_heads + shape.key_heads
        input_NH = functional.rms_norm(hidden_NH, hidden_NH.shape[-1:], layer.input_norm_H, shape.norm_eps)
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
        hidden_NH = hidden_NH + layer.output(mixed_NH)
        input_NH = functional.rms_norm(hidden_NH, hidden_NH.shape[-1:], layer.post_norm_H, self._shape.norm_eps)
        gate_NF, up_NF = layer.gate_up(input_NH).chunk(2, dim=-1)
        return hidden_NH + layer.down(layer.activation(gate_NF).mul_(up_NF))

    def _head(self, hidden_BH: Tensor) -> Tensor:
        weights = self._weights
        normed_BH = functional.rms_norm(hidden_BH, hidden_BH.shape[-1:], weights.final_norm_H, self._shape.norm_eps)
        return weights.head(normed_BH)

    def _attend(self, query_BQD: Tensor, own_2BKTD: Tensor, prefix_2PKSD: Tensor) -> Tensor:
        """[B, Q * D] attention of each row's newest token to its prefix and its own tokens."""
        shape, prefixes = self._shape, self._grid_PG[0]
        rows, columns, size = len(query_BQD), own_2BKTD.shape[3], shape.head_size
        repeats, span = shape.query_heads // shape.key_heads, prefix_2PKSD.shape[3]
        query_BQD = query_BQD * shape.scale

        key_XTD, value_XTD = (each.reshape(rows * shape.key_heads, columns, size) for each in own_2BKTD.unbind(0))
        score_BQT = torch.bmm(query_BQD.reshape(-1, repeats, size), key_XTD.transpose(1, 2)).view(rows, -1, columns)
        if self._own_mask_B1T is not None:
            score_BQT = score_BQT + self._own_mask_B1T[:, :, :columns]

        key_YSD, value_YSD = (each.reshape(prefixes * shape.key_heads, span, size) for each in prefix_2PKSD.unbind(0))
        query_YXD = self._to_grid(query_BQD)
        score_YXS = torch.bmm(query_YXD, key_YSD.transpose(1, 2))
        score_BQS = self._from_grid(score_YXS)
        if self._prefix_mask_B1S is not None:
            score_BQS = score_BQS + self._prefix_mask_B1S

        weight_BQX = torch.cat([score_BQS, score_BQT], dim=-1).softmax(dim=-1, dtype=torch.float32).to(query_BQD.dtype)
        weight_YXS = self._to_grid(weight_BQX[:, :, :span])
        mixed_BQD = self._from_grid(torch.bmm(weight_YXS, value_YSD))
        own_XRD = torch.bmm(weight_BQX[:, :, span:].reshape(-1, repeats, columns), value_XTD)
        return (mixed_BQD + own_XRD.view_as(mixed_BQD)).flatten(1)

    def _to_grid(self, rows_BQX: Tensor) -> Tensor:
        """[P * K, G * R, X]: the rows of one prefix side by side; places without a row hold 0."""
        prefixes, grid = self._grid_PG
        keys, width = self._shape.key_heads, rows_BQX.shape[-1]
        if not self._grid_is_full:
            grid_ZQX = rows_BQX.new_zeros((prefixes * grid, *rows_BQX.shape[1:]))
            grid_ZQX[self._place_B] = rows_BQX
            rows_BQX = grid_ZQX
        return rows_BQX.reshape(prefixes, grid, keys, -1, width).transpose(1, 2).reshape(prefixes * keys, -1, width)

    def _from_grid(self, grid_YXW: Tensor) -> Tensor:
        """[B, Q, W]: the inverse of `_to_grid`."""
        prefixes, grid = self._grid_PG
        keys, width = self._shape.key_heads, grid_YXW.shape[-1]
        rows_ZQW = grid_YXW.view(prefixes, keys, grid, -1, width).transpose(1, 2).reshape(prefixes * grid, -1, width)
        return rows_ZQW if self._grid_is_full else rows_ZQW[self._place_B]

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
        device = self._own.device
        self._drop_idle_prefixes()
        prefixes = len(self._prefix_length_P)
        by_prefix = np.argsort(self._prefix_B, kind="stable")
        count_P = np.bincount(self._prefix_B, minlength=prefixes)
        first_P = np.cumsum(count_P) - count_P
        place_B = np.empty(len(by_prefix), dtype=np.int64)
        place_B[by_prefix] = np.arange(len(by_prefix)) - np.repeat(first_P, count_P)
        grid = int(count_P.max())
        place_B += self._prefix_B * grid
        self._grid_PG = (prefixes, grid)
        self._grid_is_full = len(place_B) == prefixes * grid and bool((place_B == np.arange(len(place_B))).all())
        self._place_B = torch.from_numpy(place_B).to(device)

        length_B = self._prefix_length_P[self._prefix_B]
        self._position_B = torch.from_numpy(length_B - self._start_B).to(device)
        self._cos_PD, self._sin_PD = self._model.rotary(int(length_B.max()) + self._own.shape[4])
        self._prefix_mask_B1S = self._mask(np.arange(self._prefix.shape[4]) >= length_B[:, None])
        self._own_mask_B1T = self._mask(np.arange(self._own.shape[4]) < self._start_B[:, None])
        self._arranged = True

    def _mask(self, hidden_BT: np.ndarray) -> Tensor | None:
        if not hidden_BT.any():
            return None
        mask_B1T = torch.zeros((len(hidden_BT), 1, hidden_BT.shape[1]), device=self._own.device, dtype=self._own.dtype)
        return mask_B1T.masked_fill_(torch.from_numpy(hidden_BT).to(self._own.device)[:, None], float("-inf"))

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
        self._own = _enlarge(self._own, rows=rows, columns=self._column + longest)


def _enlarge(cache_L2BKTD: Tensor, *, rows: int, columns: int) -> Tensor:
    """A cache with at least so many rows and columns that begins with the given one."""
    layers, two, old_rows, heads, old_columns, size = cache_L2BKTD.shape
    if rows <= old_rows and columns <= old_columns:
        return cache_L2BKTD
    larger = cache_L2BKTD.new_zeros((layers, two, max(rows, old_rows), heads, max(columns, old_columns), size))
    larger[:, :, :old_rows, :, :old_columns] = cache_L2BKTD
    return larger

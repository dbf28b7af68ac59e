"""Sampling through transformers' own forward: any causal model with a key-value cache."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from srft.engine.decoding import Watch, check_requests, context_of, write
from srft.engine.lean import base_model
from srft.errors import InputError
from srft.rows import Request, Sample

Reorder = Callable[[Any, Tensor], Any]
"""(cache, index_B) -> the cache whose row i is the old row index_B[i]; rows may occur more than once or not at all."""

ATTENTION_LAYERS = frozenset({"full_attention", "sliding_attention", "chunked_attention"})


class TransformersSampler:
    """Shared prefill, rows that leave, the lean sampler's random numbers; several batches where one is too large."""

    def __init__(
        self,
        model: nn.Module,
        end_token_ids: Collection[int],
        *,
        batch_tokens: int,
        reorder: Reorder | None = None,
    ) -> None:
        """`reorder`: for caches that need their own way of choosing rows."""
        self._model = model
        self._end_token_ids = frozenset(end_token_ids)
        self._batch_tokens = batch_tokens
        self._reorder = reorder or reorder_cache

    def sample(self, requests: Sequence[Request], policy_version: int, watch: Watch | None = None) -> Iterator[Sample]:
        """See `Sampler.sample`."""
        check_requests(requests, context_of(self._model))
        return write(
            lambda: TransformersDecoder(self._model, self._reorder),
            requests,
            self._end_token_ids,
            batch_tokens=self._batch_tokens,
            policy_version=policy_version,
            watch=watch,
        )


def reorder_cache(cache: Any, index_B: Tensor) -> Any:
    """Chooses rows of a cache by its own method, which every cache of transformers has."""
    cache.reorder_cache(index_B)
    return cache


class TransformersDecoder:
    """Rows with left padding, one attention mask and one cache."""

    admits_while_running = False

    def __init__(self, model: nn.Module, reorder: Reorder) -> None:
        self._model, self._reorder = model, reorder
        base = base_model(model)
        parameters = inspect.signature(base.forward).parameters
        self._takes_positions = "position_ids" in parameters
        self._last_logits = {"logits_to_keep": 1} if "logits_to_keep" in parameters else {}
        layer_types = getattr(base.config.get_text_config(), "layer_types", None) or ()
        # A recurrent layer would read padding as text, and without positions padding would shift them.
        self.equal_lengths = not self._takes_positions or not ATTENTION_LAYERS.issuperset(layer_types)
        self._device = base.get_input_embeddings().weight.device
        self._cache: Any = None
        self._mask_BT = torch.empty(0)

    def admit(self, prefixes: Sequence[Sequence[int]], copies: Sequence[int], longest: int) -> Tensor:
        """See `Decoder.admit`."""
        del longest
        width = max(len(prefix) for prefix in prefixes)
        ids_PT = torch.zeros((len(prefixes), width), dtype=torch.long)
        mask_PT = torch.zeros_like(ids_PT)
        for row, prefix in enumerate(prefixes):
            ids_PT[row, width - len(prefix) :] = torch.tensor(prefix)
            mask_PT[row, width - len(prefix) :] = 1
        self._cache, self._mask_BT = None, mask_PT.to(self._device)
        logits_PV = self._forward(ids_PT.to(self._device))
        index_B = torch.repeat_interleave(
            torch.arange(len(prefixes), device=self._device), torch.tensor(copies, device=self._device)
        )
        self._choose_rows(index_B)
        return logits_PV[index_B]

    def step(self, token_B: Tensor) -> Tensor:
        """See `Decoder.step`."""
        self._mask_BT = torch.cat([self._mask_BT, self._mask_BT.new_ones(len(token_B), 1)], dim=1)
        return self._forward(token_B[:, None])

    def keep(self, order: np.ndarray) -> None:
        """See `Decoder.keep`."""
        if len(order):
            self._choose_rows(torch.from_numpy(order).to(self._device))

    def _choose_rows(self, index_B: Tensor) -> None:
        self._cache = self._reorder(self._cache, index_B)
        self._mask_BT = self._mask_BT[index_B]

    def _forward(self, ids_BT: Tensor) -> Tensor:
        positions = {}
        if self._takes_positions:
            position_BT = (self._mask_BT.cumsum(dim=1) - 1).clamp_(min=0)
            positions = {"position_ids": position_BT[:, -ids_BT.shape[1] :]}
        was_training = self._model.training
        self._model.eval()
        try:
            output = self._model(
                input_ids=ids_BT,
                attention_mask=self._mask_BT,
                past_key_values=self._cache,
                use_cache=True,
                **positions,
                **self._last_logits,
            )
        finally:
            if was_training:
                self._model.train()
        self._cache = getattr(output, "past_key_values", None)
        if self._cache is None:
            name = type(base_model(self._model)).__name__
            raise InputError(
                f"{name} keeps no key-value cache, so nothing can be sampled from it",
                where="model.path",
                remedy="choose a causal transformer",
            )
        return output.logits[:, -1]

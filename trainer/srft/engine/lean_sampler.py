"""Sampling with the lean forward: fused weights, prompts stored once, a preallocated cache for what the rows write."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import torch

from srft.engine.decoding import Watch, check_requests, write
from srft.engine.lean import LeanModel, Weights
from srft.engine.lean_decoder import LeanDecoder
from srft.rows import Request, Sample


class LeanSampler:
    """Keeps fused copies of the weights (LoRA merged in) for as long as the policy stays the same."""

    def __init__(self, model: LeanModel, end_token_ids: Collection[int], *, batch_tokens: int) -> None:
        self._model = model
        self._end_token_ids = frozenset(end_token_ids)
        self._batch_tokens = batch_tokens
        self._weights: Weights | None = None
        self._weights_key: tuple[object, ...] = ()

    def sample(self, requests: Sequence[Request], policy_version: int, watch: Watch | None = None) -> Iterator[Sample]:
        """See `Sampler.sample`."""
        check_requests(requests, self._model.shape.context)
        return write(
            lambda: LeanDecoder(self._model, self._current_weights(policy_version)),
            requests,
            self._end_token_ids,
            batch_tokens=self._batch_tokens,
            policy_version=policy_version,
            watch=watch,
        )

    def _current_weights(self, policy_version: int) -> Weights:
        # The state of the parameters is part of the key: loading a checkpoint need not change the version.
        key = (policy_version, self._model.state_key())
        if self._weights is None or key != self._weights_key:
            self._weights = None  # gives the old copies back before new ones are made
            with torch.inference_mode():
                self._weights = self._model.weights(merged=True)
            self._weights_key = key
        return self._weights

"""Sampling responses: requests in, samples out as they finish."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from torch import nn

from srft.engine.decoding import Watch, longest_length
from srft.engine.lean import LeanModel, unsupported_reason
from srft.engine.lean_sampler import LeanSampler
from srft.engine.transformers_sampler import TransformersSampler
from srft.rows import Request, Sample


class Sampler(Protocol):
    """Writes responses with the current policy."""

    def sample(self, requests: Sequence[Request], policy_version: int, watch: Watch | None = None) -> Iterator[Sample]:
        """Samples in the order in which they finish.

        Weights are read when the first sample is asked for and must not change before the last.
        Raises ValueError, before anything is computed, for an empty prefix, an end that lies beyond the model's
        context, or no token to write.
        """
        ...


def make_sampler(model: nn.Module, end_token_ids: Collection[int], *, batch_tokens: int) -> Sampler:
    """The fastest sampler for this model: lean for the Llama family, else transformers' own forward.

    `end_token_ids`: each of them ends a response. `batch_tokens`: rows written at once times the longest possible
    sequence among them, a limit of memory.
    """
    own = TransformersSampler(model, end_token_ids, batch_tokens=batch_tokens)
    if unsupported_reason(model) is not None:
        return own
    lean = LeanModel(model)
    sampler = LeanSampler(lean, end_token_ids, batch_tokens=batch_tokens)
    return sampler if lean.shape.window is None else _Windowed(lean.shape.window, sampler, own)


class _Windowed:
    """Lean while no sequence can outgrow the attention window, transformers' own forward otherwise."""

    def __init__(self, window: int, inside: Sampler, beyond: Sampler) -> None:
        self._window, self._inside, self._beyond = window, inside, beyond

    def sample(self, requests: Sequence[Request], policy_version: int, watch: Watch | None = None) -> Iterator[Sample]:
        longest = max((longest_length(request) for request in requests), default=0)
        return (self._inside if longest <= self._window else self._beyond).sample(requests, policy_version, watch)

"""Writing many rows at once: the loop that every sampler shares, over anything that can decode.

Requests with equal prefixes share one prefill; a finished row leaves at once; waiting requests are admitted where rows
have left. Which rows are written together changes memory and speed, never the random numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from srft.engine.lean import base_model
from srft.engine.sampling import Settings, choose
from srft.rows import Request, Sample, StopReason

Watch = Callable[[int, int, int, Sequence[int]], None]
"""Called with (samples done, samples in all, tokens written so far, the ids so far of one response to look at)."""

WATCH_EVERY_SECONDS = 0.05


class Decoder(Protocol):
    """Rows that grow by one token a step: what a sampler needs of a model. Rows keep their order."""

    equal_lengths: bool
    """All prefixes of one admission must have the same length."""
    admits_while_running: bool
    """Rows can join others that are being written."""

    def admit(self, prefixes: Sequence[Sequence[int]], copies: Sequence[int], longest: int) -> Tensor:
        """[new rows, V] logits after the prefixes, each repeated `copies` times; the rows join behind those there are.

        `longest`: the most tokens any of the new rows will write.
        """
        ...

    def step(self, token_B: Tensor) -> Tensor:
        """[B, V] logits after one more token in every row."""
        ...

    def keep(self, order: np.ndarray) -> None:
        """Row i becomes what row order[i] was; rows that are not named leave."""
        ...


def check_requests(requests: Sequence[Request], context: int | None) -> None:
    """Raises ValueError for a request that cannot be written."""
    for request in requests:
        if not request.prefix_ids:
            raise ValueError(f"request {request.id} has an empty prefix")
        if request.settings.max_tokens < 1:
            raise ValueError(f"request {request.id} may write {request.settings.max_tokens} tokens")
        if context is not None and longest_length(request) > context:
            raise ValueError(
                f"request {request.id} could reach {longest_length(request)} tokens (prefix {len(request.prefix_ids)}, "
                f"at most {request.settings.max_tokens} more), but the model's context is {context}"
            )


def context_of(model: nn.Module) -> int | None:
    """Most positions of one sequence; None when the architecture knows no limit."""
    config = base_model(model).config.get_text_config()
    return getattr(config, "max_position_embeddings", None)


@torch.inference_mode()
def write(
    make_decoder: Callable[[], Decoder],
    requests: Sequence[Request],
    end_token_ids: Collection[int],
    *,
    batch_tokens: int,
    policy_version: int,
    watch: Watch | None,
) -> Iterator[Sample]:
    """Drives a decoder until every request has its sample. The decoder is made when the first sample is asked for."""
    if not requests:
        return
    decoder = make_decoder()
    settings = Settings.of(requests)
    limit_R = np.array([request.settings.max_tokens for request in requests], dtype=np.int64)
    tokens_RT = np.empty((len(requests), int(limit_R.max())), dtype=np.int32)
    statistics_2RT = np.empty((2, *tokens_RT.shape), dtype=np.float32)
    ends_V: np.ndarray | None = None
    queue = _Queue(requests, batch_tokens, equal_lengths=decoder.equal_lengths)
    progress = _Progress(watch, len(requests))

    row_B = np.empty(0, dtype=np.int64)  # entry of `requests` that each row writes
    count_B = np.empty(0, dtype=np.int64)  # tokens it has written
    next_B: Tensor | None = None
    while True:
        parts = []
        if len(row_B):
            assert next_B is not None
            parts.append(decoder.step(next_B))
        if decoder.admits_while_running or not len(row_B):
            admission = queue.admit(row_B)
            if admission:
                prefixes = [requests[rows[0]].prefix_ids for rows in admission]
                new_R = np.array([row for rows in admission for row in rows], dtype=np.int64)
                parts.append(decoder.admit(prefixes, [len(rows) for rows in admission], int(limit_R[new_R].max())))
                row_B = np.concatenate([row_B, new_R])
                count_B = np.concatenate([count_B, np.zeros(len(new_R), dtype=np.int64)])
        if not parts:
            return
        logits_BV = parts[0] if len(parts) == 1 else torch.cat(parts)
        chosen_3B = choose(logits_BV, settings, row_B, count_B)
        next_B = chosen_3B[0].long()
        chosen = chosen_3B.cpu().numpy()
        token_B = chosen[0].astype(np.int32)
        tokens_RT[row_B, count_B] = token_B
        statistics_2RT[:, row_B, count_B] = chosen[1:]
        count_B += 1

        if ends_V is None:
            ends_V = np.isin(np.arange(logits_BV.shape[1]), sorted(end_token_ids))
        ended_B = ends_V[token_B]
        finished_B = ended_B | (count_B >= limit_R[row_B])
        progress.wrote(len(row_B), row_B, count_B, tokens_RT)
        if not finished_B.any():
            continue
        finished = [
            _sample(requests[row], tokens_RT[row, :count], statistics_2RT[:, row, :count], bool(ended), policy_version)
            for row, count, ended in zip(row_B[finished_B], count_B[finished_B], ended_B[finished_B], strict=True)
        ]
        order = _fill_gaps(finished_B)
        decoder.keep(order)
        next_B = next_B[torch.from_numpy(order).to(next_B.device)]
        row_B, count_B = row_B[order], count_B[order]
        progress.finished(len(finished), last=not len(row_B) and queue.empty)
        yield from finished


def _fill_gaps(finished_B: np.ndarray) -> np.ndarray:
    """Which old row each remaining row is: the last rows move into the gaps, the others stay where they are."""
    remaining = int((~finished_B).sum())
    order = np.arange(remaining)
    order[finished_B[:remaining]] = np.flatnonzero(~finished_B[remaining:]) + remaining
    return order


def _sample(
    request: Request, tokens_T: np.ndarray, statistics_2T: np.ndarray, ended: bool, policy_version: int
) -> Sample:
    return Sample(
        request_id=request.id,
        token_ids=tokens_T.copy(),
        stop_reason=StopReason.END if ended else StopReason.LENGTH,
        policy_version=policy_version,
        logprobs=statistics_2T[0].copy(),
        entropies=statistics_2T[1].copy(),
    )


def longest_length(request: Request) -> int:
    """The most tokens its sequence can reach, prefix included."""
    return len(request.prefix_ids) + request.settings.max_tokens


class _Queue:
    """Waiting requests by prefix, and when the next may come in."""

    def __init__(self, requests: Sequence[Request], batch_tokens: int, *, equal_lengths: bool) -> None:
        groups: dict[tuple[int, ...], list[int]] = {}
        for row, request in enumerate(requests):
            groups.setdefault(request.prefix_ids, []).append(row)
        waiting = list(groups.values())
        if equal_lengths:
            waiting.sort(key=lambda rows: len(requests[rows[0]].prefix_ids))
        self._waiting = waiting[::-1]
        self._length_R = np.array([longest_length(request) for request in requests])
        self._prefix_length_R = [len(request.prefix_ids) for request in requests]
        self._batch_tokens, self._equal_lengths = batch_tokens, equal_lengths

    @property
    def empty(self) -> bool:
        return not self._waiting

    def admit(self, live_B: np.ndarray) -> list[list[int]]:
        """Requests to begin now, those of one prefix in one list."""
        if self.empty:
            return []
        longest = int(self._length_R[live_B].max()) if len(live_B) else 0
        rows = len(live_B)
        # A prefill interrupts all rows that are being written, so it waits until it is worth it.
        if rows and rows * longest > 0.75 * self._batch_tokens:
            return []
        admitted: list[list[int]] = []
        while self._waiting:
            group = self._waiting[-1]
            same_length = not admitted or self._prefix_length_R[group[0]] == self._prefix_length_R[admitted[0][0]]
            if self._equal_lengths and not same_length:
                break
            longest = max(longest, int(self._length_R[group].max()))
            room = self._batch_tokens // longest - rows
            if rows == 0:
                room = max(room, 1)
            if room <= 0:
                break
            taken = group[:room]
            rows += len(taken)
            admitted.append(taken)
            if len(taken) < len(group):
                self._waiting[-1] = group[room:]
                break
            self._waiting.pop()
        return admitted


class _Progress:
    """Tells the watcher now and then how far things are."""

    def __init__(self, watch: Watch | None, total: int) -> None:
        self._watch, self._total = watch, total
        self._done = self._tokens = 0
        self._watched: int | None = None
        self._next_call = 0.0

    def wrote(self, tokens: int, row_B: np.ndarray, count_B: np.ndarray, tokens_RT: np.ndarray) -> None:
        self._tokens += tokens
        if self._watch is None or time.monotonic() < self._next_call:
            return
        here = np.flatnonzero(row_B == self._watched)
        index = int(here[0]) if len(here) else int(row_B.argmin())
        self._watched = int(row_B[index])
        self._watch(self._done, self._total, self._tokens, tokens_RT[self._watched, : count_B[index]].tolist())
        self._next_call = time.monotonic() + WATCH_EVERY_SECONDS

    def finished(self, rows: int, *, last: bool) -> None:
        self._done += rows
        if last and self._watch is not None:
            self._watch(self._done, self._total, self._tokens, ())

"""The training pass through transformers' own forward: right padding, rows of similar length together."""

from __future__ import annotations

import inspect
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from srft.engine.heads import head_parts
from srft.engine.lean import base_model
from srft.engine.packing import Rows
from srft.errors import InputError

# A bucket's shortest row has at least this share of its longest's tokens.
LEAST_FILLED = 0.85


def transformers_hidden(model: nn.Module, rows: Rows, *, gradient_checkpointing: bool) -> tuple[Tensor, Tensor, Tensor]:
    """See `TrainingPass.hidden`."""
    for number, (prompt_ids, response_ids) in enumerate(rows):
        if not len(prompt_ids) or not len(response_ids):
            raise ValueError(f"row {number} has an empty {'response' if len(prompt_ids) else 'prompt'}")
    body = base_model(model).base_model
    device = body.get_input_embeddings().weight.device
    hidden_by_row: list[Tensor] = [torch.empty(0)] * len(rows)
    with _embedding_learns_every_row(body), _checkpointing(base_model(model), gradient_checkpointing):
        for numbers in _buckets([len(prompt) + len(response) - 1 for prompt, response in rows]):
            width = max(len(rows[number][0]) + len(rows[number][1]) - 1 for number in numbers)
            id_BT = torch.zeros((len(numbers), width), dtype=torch.long)
            mask_BT = torch.zeros_like(id_BT)
            for place, number in enumerate(numbers):
                # The last token predicts nothing of this row and is not fed.
                ids = [*rows[number][0], *rows[number][1]][:-1]
                id_BT[place, : len(ids)] = torch.tensor(ids)
                mask_BT[place, : len(ids)] = 1
            takes_cache = "use_cache" in inspect.signature(body.forward).parameters
            output = body(
                input_ids=id_BT.to(device),
                attention_mask=mask_BT.to(device),
                **({"use_cache": False} if takes_cache else {}),
            )
            for place, number in enumerate(numbers):
                first = len(rows[number][0]) - 1
                hidden_by_row[number] = output.last_hidden_state[place, first : first + len(rows[number][1])]
    target_N = torch.cat([torch.as_tensor(response, dtype=torch.long) for _, response in rows])
    lengths = torch.tensor([len(response) for _, response in rows])
    row_N = torch.repeat_interleave(torch.arange(len(rows)), lengths)
    return torch.cat(hidden_by_row), target_N.to(device), row_N.to(device)


class HeadProbe:
    """Makes sure, once, that the model's logits are its head applied to its last hidden state and nothing more."""

    def __init__(self, model: nn.Module) -> None:
        self._model, self._checked = model, False

    def check(self) -> None:
        """Raises InputError where the architecture scales or caps its logits."""
        if self._checked:
            return
        base = base_model(self._model)
        was_training = self._model.training
        self._model.eval()
        try:
            with torch.no_grad():
                id_BT = torch.tensor([[1, 2, 3]], device=base.get_input_embeddings().weight.device)
                hidden_TH = base.base_model(input_ids=id_BT).last_hidden_state[0]
                logits_TV = base(input_ids=id_BT).logits[0]
                expected_TV = base.get_output_embeddings()(hidden_TH)
        finally:
            self._model.train(was_training)
        head_parts(self._model)
        if not torch.allclose(logits_TV.float(), expected_TV.float(), rtol=1e-2, atol=1e-3):
            raise InputError(
                f"{type(base).__name__} does more to its logits than its output head says (it scales or caps them)",
                where="model.path",
                remedy="choose a model with plain logits",
            )
        self._checked = True


def _buckets(lengths: list[int]) -> Iterator[list[int]]:
    order = sorted(range(len(lengths)), key=lambda number: -lengths[number])
    bucket: list[int] = []
    for number in order:
        if bucket and lengths[number] < LEAST_FILLED * lengths[bucket[0]]:
            yield bucket
            bucket = []
        bucket.append(number)
    yield bucket


@contextmanager
def _embedding_learns_every_row(body: Any) -> Generator[None, None, None]:
    """An embedding with a `padding_idx` drops that row's gradient; the pad token may well be a real end token."""
    embedding = body.get_input_embeddings()
    before = getattr(embedding, "padding_idx", None)
    if before is not None:
        embedding.padding_idx = None
    try:
        yield
    finally:
        if before is not None:
            embedding.padding_idx = before


@contextmanager
def _checkpointing(base: Any, wanted: bool) -> Generator[None, None, None]:
    """The model's own checkpointing for one forward; it only acts in training mode, which is the caller's to set."""
    if not wanted or not base.supports_gradient_checkpointing:
        yield
        return
    # Renamed between the transformers versions we accept.
    name = "activation" if hasattr(base, "activation_checkpointing_enable") else "gradient"
    kwargs = {f"{name}_checkpointing_kwargs": {"use_reentrant": False}}
    getattr(base, f"{name}_checkpointing_enable")(**kwargs)
    try:
        yield
    finally:
        getattr(base, f"{name}_checkpointing_disable")()

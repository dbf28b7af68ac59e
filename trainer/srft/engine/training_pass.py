"""The training pass: the hidden state behind every response token, differentiable, with hardly any padding computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor, nn

from srft.engine.heads import HeadParts, head_parts
from srft.engine.lean import LeanModel, unsupported_reason
from srft.engine.lean_training import lean_hidden
from srft.engine.micro_batches import plan_micro_batches
from srft.engine.packing import Rows, pack
from srft.engine.transformers_training import HeadProbe, transformers_hidden
from srft.maths.head import token_statistics


class TrainingPass(Protocol):
    """A way through one model. It reads the model's parameters anew in every call.

    `hidden` needs memory for its whole input, so the caller cuts an update's rows with `micro_batches` first.
    """

    def hidden(self, rows: Rows) -> tuple[Tensor, Tensor, Tensor]:
        """hidden_NH, target_N, row_N (int64) of all N response tokens of (prompt_ids, response_ids), rows in their
        order.

        hidden_NH is the state after the final norm that predicts the token. Differentiable where gradients are on;
        dropout, of the model or of LoRA, acts when the model is in training mode. Raises ValueError for an empty prompt
        or response.
        """
        ...

    def head(self) -> HeadParts:
        """Weight, bias and adapter of the head, as `token_statistics` takes them."""
        ...

    def token_statistics(
        self, hidden_NH: Tensor, target_N: Tensor, *, temperature: float, entropy_gradient: bool = True
    ) -> tuple[Tensor, Tensor]:
        """logprob_N and entropy_N (float32, nats) of softmax(logits / temperature).

        Without `entropy_gradient` the entropy carries none, and the head computes less.
        """
        ...

    def micro_batches(self, rows: Sequence[tuple[Sequence[int], int]], max_tokens: int) -> list[list[int]]:
        """Numbers of the rows of each pass, for (prompt_ids, response length): at most `max_tokens` tokens each.

        A row longer than that has a pass of its own. Rows of one prompt stay together where they fit, since they share
        its computation; passes hold rows of similar length.
        """
        ...


def make_training_pass(model: nn.Module, *, gradient_checkpointing: bool = False) -> TrainingPass:
    """The fastest pass for this model: lean for the Llama family, else transformers' own forward.

    `gradient_checkpointing`: keep only the input of each layer and compute the rest again in the backward pass.
    Raises InputError for a head whose logits are not a plain linear map, or one with an adapter of a special kind.
    """
    head_parts(model)
    if unsupported_reason(model) is not None or LeanModel(model).shape.attention_dropout > 0:
        return _TransformersTrainingPass(model, gradient_checkpointing)
    return _LeanTrainingPass(model, gradient_checkpointing)


class _TransformersTrainingPass:
    shares_prompts = False

    def __init__(self, model: nn.Module, gradient_checkpointing: bool) -> None:
        self._model, self._gradient_checkpointing = model, gradient_checkpointing
        self._probe = HeadProbe(model)

    def hidden(self, rows: Rows) -> tuple[Tensor, Tensor, Tensor]:
        self._probe.check()
        return transformers_hidden(self._model, rows, gradient_checkpointing=self._gradient_checkpointing)

    def head(self) -> HeadParts:
        return head_parts(self._model)

    def token_statistics(
        self, hidden_NH: Tensor, target_N: Tensor, *, temperature: float, entropy_gradient: bool = True
    ) -> tuple[Tensor, Tensor]:
        head = self.head()
        return token_statistics(
            hidden_NH,
            head.weight_VH,
            target_N,
            bias_V=head.bias_V,
            lora=head.lora,
            temperature=temperature,
            entropy_gradient=entropy_gradient,
        )

    def micro_batches(self, rows: Sequence[tuple[Sequence[int], int]], max_tokens: int) -> list[list[int]]:
        return plan_micro_batches(rows, max_tokens, shares_prompts=self.shares_prompts)


class _LeanTrainingPass(_TransformersTrainingPass):
    shares_prompts = True

    def __init__(self, model: nn.Module, gradient_checkpointing: bool) -> None:
        super().__init__(model, gradient_checkpointing)
        self._lean = LeanModel(model)

    def hidden(self, rows: Rows) -> tuple[Tensor, Tensor, Tensor]:
        window = self._lean.shape.window
        if window is not None and max(len(prompt) + len(response) for prompt, response in rows) > window:
            return super().hidden(rows)
        return lean_hidden(self._lean, pack(rows), gradient_checkpointing=self._gradient_checkpointing)

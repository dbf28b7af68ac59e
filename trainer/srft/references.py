"""S8: reference weights, frozen or a moving average, and log-probs under them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from typing_extensions import assert_never

from srft.engine.policy import Policy
from srft.engine.training_pass import TrainingPass
from srft.engine.update import score
from srft.methods.method import FrozenReference, MovingReference
from srft.rows import Row


class Reference:
    """A copy of the trainable weights that a method compares the policy with.

    `start` are the weights before the first step of the run, also when this process resumes it.
    """

    def __init__(self, kind: FrozenReference | MovingReference, start: Mapping[str, Tensor]) -> None:
        self._kind = kind
        self._weights = {name: tensor.detach().clone() for name, tensor in start.items()}

    def follow(self, policy: Policy) -> None:
        """After a step: ref = decay * ref + (1 - decay) * theta, where the reference moves."""
        match self._kind:
            case FrozenReference():
                return
            case MovingReference(decay=decay):
                with torch.no_grad():
                    for name, parameter in policy.names.items():
                        self._weights[name].lerp_(parameter.detach().to(self._weights[name]), 1 - decay)
            case _:
                assert_never(self._kind)

    def logprobs(
        self, policy: Policy, training_pass: TrainingPass, rows: Sequence[Row], *, temperature: float, tokens: int
    ) -> list[np.ndarray]:
        """[T] log-probs of each row under the reference."""
        with policy.with_weights(self._weights):
            return [
                logprobs
                for logprobs, _ in score(training_pass, rows, temperature=temperature, micro_batch_tokens=tokens)
            ]

    def state(self) -> dict[str, Tensor]:
        """The weights that moved; a frozen reference is read from the starting model again."""
        return self._weights if isinstance(self._kind, MovingReference) else {}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `state` gave."""
        for name, tensor in tensors.items():
            self._weights[name] = tensor.to(self._weights[name].device).clone()

"""Sums over the processes of a run. One process is the case of size 1, where every sum is the value itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.distributed
from torch import Tensor

from srft.maths.tokens import Counts


@dataclass(frozen=True, slots=True)
class Ranks:
    """How many processes share a step. Rank 0 alone writes the run directory."""

    rank: int = 0
    size: int = 1

    @staticmethod
    def of_process_group() -> Ranks:
        """The ranks of torch.distributed, when it runs."""
        if not torch.distributed.is_available() or not torch.distributed.is_initialized():
            return Ranks()
        return Ranks(torch.distributed.get_rank(), torch.distributed.get_world_size())

    def sum_counts(self, counts: Counts) -> Counts:
        """The counts of all ranks together."""
        if self.size == 1:
            return counts
        values = torch.tensor(counts.values(), dtype=torch.int64)
        torch.distributed.all_reduce(values)
        return Counts.of_values(values.tolist())

    def sum_tensors(self, tensors: Sequence[Tensor]) -> None:
        """Each tensor becomes the sum over ranks, in place."""
        if self.size == 1:
            return
        for tensor in tensors:
            torch.distributed.all_reduce(tensor)

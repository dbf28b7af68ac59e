"""How an allocator that has nothing left says so."""

from __future__ import annotations

import torch

_WORDS = ("can't allocate memory", "cannot allocate memory", "out of memory", "alloc_failed")


def is_out_of_memory(error: BaseException) -> bool:
    """Does the error say that memory ran out? The allocators of the CPU and of MPS say it only in words."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, (RuntimeError, OSError)) and any(word in str(error).lower() for word in _WORDS)

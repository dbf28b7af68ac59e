"""What PyTorch reads from the environment when it is loaded, and never again."""

from __future__ import annotations

import os


def set_torch_environment() -> None:
    """To be called before torch is imported. What the user has set stands."""
    if "OMP_WAIT_POLICY" not in os.environ:
        # Threads that wait for each other spin for some ten microseconds, then sleep. By default they spin for
        # milliseconds, which on a machine whose cores have other work makes a step twenty times as long; if they sleep
        # at once, a quiet machine is half as fast.
        os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    # Large tensors lie in large pages, where the system offers them (Linux): a decoding step walks through the whole
    # cache of keys and values.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

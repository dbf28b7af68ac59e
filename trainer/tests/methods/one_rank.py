"""One of two gloo processes: `one_rank.py RANK FOLDER METHOD …`. Ranks meet through a file."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed
from safetensors.torch import save_file

from srft.engine.ranks import Ranks
from tests.methods.test_invariance import METHODS, update_of
from tests.methods.updates import execute


def main(rank: int, folder: Path, names: list[str]) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    for name in names:
        update = update_of(METHODS[name])
        share = replace(update, rows=update.rows[rank::2])
        result, gradient = execute(share, micro_batch_tokens=40, ranks=Ranks.of_process_group())
        losses = {f"loss/{loss}": torch.tensor(value) for loss, value in result.losses.items()}
        save_file({**gradient, **losses}, folder / f"{name}-{rank}.safetensors")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])

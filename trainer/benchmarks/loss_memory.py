"""Memory and time of the loss head against full logits, forward and backward, frozen head, float32, on the CPU.

`python benchmarks/loss_memory.py` prints one line a case and, last, one JSON object; with `--quick` sizes are small and
the figures mean nothing. Linux only. The full run takes about six minutes on one core and 9 GiB of memory.

How memory is measured: every case is a process of its own. When the inputs are made, freed memory is given back
(`malloc_trim`) and the kernel's high-water mark is reset (5 into /proc/self/clear_refs), since `ru_maxrss` would also
count whatever was larger before. The peak is then VmHWM at the end less VmRSS at the reset: everything above the
inputs, the gradient of the hidden states included. Time is processor time, which a busy neighbour disturbs least.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from srft.maths.head import token_statistics

MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One measurement: which implementation, at what size."""

    implementation: str
    tokens: int
    hidden: int
    vocabulary: int


def ours(hidden_NH: Tensor, weight_VH: Tensor, targets_N: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient through log-probability and entropy."""
    return token_statistics(hidden_NH, weight_VH, targets_N)


def ours_logprob(hidden_NH: Tensor, weight_VH: Tensor, targets_N: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient through the log-probability alone."""
    return token_statistics(hidden_NH, weight_VH, targets_N, entropy_gradient=False)


def full(hidden_NH: Tensor, weight_VH: Tensor, targets_N: Tensor) -> tuple[Tensor, Tensor]:
    """All logits at once, gradient through both."""
    logprob_NV = (hidden_NH @ weight_VH.t()).log_softmax(-1)
    return logprob_NV.gather(1, targets_N[:, None])[:, 0], -(logprob_NV.exp() * logprob_NV).sum(-1)


def full_logprob(hidden_NH: Tensor, weight_VH: Tensor, targets_N: Tensor) -> tuple[Tensor, Tensor]:
    """All logits at once, as lean as that can be: gradient through the log-probability alone, entropy in pieces."""
    logprob_NV = (hidden_NH @ weight_VH.t()).log_softmax(-1)
    with torch.no_grad():
        entropy_N = torch.cat([-(piece_nV.exp() * piece_nV).sum(-1) for piece_nV in logprob_NV.split(256)])
    return logprob_NV.gather(1, targets_N[:, None])[:, 0], entropy_N


IMPLEMENTATIONS: Mapping[str, Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]] = {
    "ours": ours,
    "ours_logprob": ours_logprob,
    "full": full,
    "full_logprob": full_logprob,
}


def make_inputs(case: Case) -> tuple[Tensor, Tensor, Tensor]:
    """Hidden states, frozen weight and targets, the same for each implementation."""
    generator = torch.Generator().manual_seed(0)
    weight_VH = torch.randn(case.vocabulary, case.hidden, generator=generator).mul_(0.02)
    hidden_NH = torch.randn(case.tokens, case.hidden, generator=generator).requires_grad_()
    return hidden_NH, weight_VH, torch.randint(0, case.vocabulary, (case.tokens,), generator=generator)


def loss(logprob_N: Tensor, entropy_N: Tensor) -> Tensor:
    """Through the entropy too, where it has a gradient."""
    weights_N = torch.linspace(-1.0, 1.0, len(logprob_N), dtype=logprob_N.dtype)
    total = (weights_N * logprob_N).mean()
    return total + 0.01 * entropy_N.mean() if entropy_N.requires_grad else total


def measure(case: Case) -> dict[str, float]:
    """Peak above inputs in MiB, processor seconds and wall seconds of forward and backward."""
    inputs = make_inputs(case)
    statistics = IMPLEMENTATIONS[case.implementation]
    # Libraries set up their own buffers at first use; that is not the stage's memory.
    loss(
        *statistics(torch.randn(4, 8, requires_grad=True), torch.randn(16, 8), torch.zeros(4, dtype=torch.int64))
    ).backward()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before_kib = process_kib("VmRSS")
    cpu_start, wall_start = time.process_time(), time.perf_counter()
    loss(*statistics(*inputs)).backward()
    cpu_s, wall_s = time.process_time() - cpu_start, time.perf_counter() - wall_start
    return {"peak_mib": (process_kib("VmHWM") - before_kib) / 1024, "cpu_s": cpu_s, "wall_s": wall_s}


def process_kib(key: str) -> int:
    """A figure of this process from the kernel."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))


def measure_error(case: Case) -> dict[str, float]:
    """Largest error of log-probability and entropy (nats) and relative error of the gradient, against float64."""
    hidden_NH, weight_VH, targets_N = make_inputs(case)
    statistics = ours(hidden_NH, weight_VH, targets_N)
    loss(*statistics).backward()
    exact_hidden_NH = hidden_NH.detach().double().requires_grad_()
    exact = full(exact_hidden_NH, weight_VH.double(), targets_N)
    loss(*exact).backward()
    gradient_NH, exact_NH = hidden_NH.grad, exact_hidden_NH.grad
    assert gradient_NH is not None and exact_NH is not None
    return {
        "logprob": (statistics[0] - exact[0]).abs().max().item(),
        "entropy": (statistics[1] - exact[1]).abs().max().item(),
        "gradient": ((gradient_NH - exact_NH).norm() / exact_NH.norm()).item(),
    }


def in_own_process(case: Case, threads: int) -> dict[str, float]:
    """Measures a case in a fresh interpreter and says so."""
    command = [sys.executable, __file__, "--threads", str(threads), "--case", json.dumps(asdict(case))]
    result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])
    figures = ", ".join(f"{name} {value:.4g}" for name, value in result.items())
    print(f"{case.implementation:13} {case.tokens:6,} tokens: {figures}", flush=True)
    return result


def main() -> None:
    """Measures all cases, or the one named by its parent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes: does the script work?")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.case is not None:
        case = Case(**json.loads(options.case))
        print(json.dumps(measure_error(case) if case.implementation == "error" else measure(case)))
        return

    scale = 32 if options.quick else 1
    hidden, vocabulary = 1024 // scale, 151_936 // scale

    def run(implementation: str, tokens: int) -> dict[str, float]:
        case = Case(implementation=implementation, tokens=tokens // scale, hidden=hidden, vocabulary=vocabulary)
        return in_own_process(case, options.threads)

    # With gradient through the entropy, full logits take 17 GiB at 4,096 tokens: that pair is timed at 1,024.
    full_1k, ours_1k = run("full", 1024), run("ours", 1024)
    full_4k, ours_4k, ours_4k_both = run("full_logprob", 4096), run("ours_logprob", 4096), run("ours", 4096)
    error, ours_16k = run("error", 64), run("ours", 16_384)
    ours_4k_mib = max(ours_4k["peak_mib"], ours_4k_both["peak_mib"])
    figures = {
        "loss_memory_ratio": ours_4k_mib / full_4k["peak_mib"],
        "loss_16k_mib": ours_16k["peak_mib"],
        "loss_4k_mib": ours_4k_mib,
        "full_4k_mib": full_4k["peak_mib"],
        "loss_time_ratio": ours_4k["cpu_s"] / full_4k["cpu_s"],
        "loss_time_ratio_entropy_gradient": ours_1k["cpu_s"] / full_1k["cpu_s"],
        "loss_16k_cpu_s": ours_16k["cpu_s"],
        **{f"loss_error_{name}": value for name, value in error.items()},
    }
    print(json.dumps({name: float(f"{value:.4g}") for name, value in figures.items()} | {"quick": options.quick}))


if __name__ == "__main__":
    main()

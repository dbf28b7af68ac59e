"""The share of a step that goes into writing it down: the demo's recipe, by the ledger of the run itself.

`python -m benchmarks.recording` prints where the time went and, last, one JSON object.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.measuring import DEMO, print_figures, shares_of_step, spread, step_metrics_of
from srft.launch import run_new
from srft.recipe import load_recipe


def main() -> None:
    """Trains a few steps of the demo, without evaluation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="5 steps instead of 16")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    steps = 5 if options.quick else 16
    changes = {
        "training.steps": str(steps),
        "evaluation": "null",
        "final_evaluation": "null",
        "model.threads": str(options.threads),
    }
    recipe = load_recipe(DEMO / "recipes" / "srft.srft.json", list(changes.items()))
    with tempfile.TemporaryDirectory(prefix="srft-bench-") as folder:
        run_dir = Path(folder) / "run"
        run_new(recipe, run_dir, say=lambda line: print(line, flush=True))
        warm = step_metrics_of(run_dir)[1:]
    print(shares_of_step(warm), flush=True)
    print_figures(spread("recording_share", [step["seconds/record"] / step["seconds/step"] for step in warm]))


if __name__ == "__main__":
    main()

"""`python -m experiments [--seconds 60] [--seeds 5] [--jobs 2] [--only SETTING …]`: run all, write the document."""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from experiments.document import write_document
from experiments.one_run import Result, evaluate, run_for_seconds
from experiments.settings import DEMO, METHODS, SETTINGS, Setting

ROOT = DEMO.parents[1]
FIGURES = ROOT / "docs" / "experiments.json"


def main() -> None:
    """Every setting, method and seed; results are kept as they come, so that a broken comparison goes on."""
    parser = argparse.ArgumentParser(prog="experiments")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time, one thread each")
    parser.add_argument("--only", nargs="*", choices=[setting.name for setting in SETTINGS])
    parser.add_argument("--anew", action="store_true", help="forget earlier figures")
    arguments = parser.parse_args()
    kept = [] if arguments.anew or not FIGURES.is_file() else json.loads(FIGURES.read_text())["results"]
    results = [Result(**row) for row in kept]
    done = {(result.setting, result.method, result.seed) for result in results}
    wanted = [
        (setting, method, seed)
        for setting in SETTINGS
        if arguments.only is None or setting.name in arguments.only
        for seed in range(arguments.seeds)
        for method in METHODS
        if (setting.name, method, seed) not in done
    ]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for result in pool.map(lambda job: compare(*job, seconds=arguments.seconds), wanted):
            results.append(result)
            figures = {"seconds": arguments.seconds, "results": [asdict(row) for row in results]}
            FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
            print(f"{result.setting:8} {result.method:7} seed {result.seed}: {result.accuracy:.3f}", flush=True)
    write_document(ROOT / "docs" / "experiments.md", results, arguments.seconds)


def compare(setting: Setting, method: str, seed: int, *, seconds: float) -> Result:
    """One run and its evaluation, in a folder that goes afterwards."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(DEMO / "base", folder / "demo" / "base")
        shutil.copytree(DEMO / "data", folder / "demo" / "data")
        shutil.copytree(DEMO / "recipes", folder / "demo" / "recipes")
        setting.write(folder / "demo" / "data" / "train.jsonl")
        recipe = folder / "demo" / "recipes" / f"{method}.srft.json"
        steps, spent = run_for_seconds(recipe, folder / "run", method, seed, seconds)
        figures = evaluate(recipe, folder / "run", steps)
    held_out, final = figures["evaluation"], figures["final_evaluation"]
    return Result(
        setting=setting.name,
        method=method,
        seed=seed,
        steps=steps,
        seconds=spent,
        accuracy=held_out["accuracy"]["value"],
        steps_valid=held_out["steps"]["value"],
        sampled=final["avg@8"]["value"],
        pass_at_8=final["pass@8"]["value"],
    )


if __name__ == "__main__":
    main()

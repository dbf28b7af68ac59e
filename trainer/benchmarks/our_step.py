"""Our side of `peer_step`: a process of its own that takes a step whenever it is told to.

`python -m benchmarks.our_step RECIPE RUN_DIR [--fixed]` writes one JSON value a line: first the prompts of all steps,
in order, then, for each line that it reads, what the step took; last, when its input ends, where the time went. It has
the environment of `srft train`, and the peer has its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from srft.torch_environment import set_torch_environment

set_torch_environment()

from benchmarks.measuring import (  # noqa: E402
    new_run_directory,
    new_session,
    shares_of_step,
    step_metrics_of,
    take_step,
    without_end,
)
from srft.preparation import Prepared, prepared  # noqa: E402
from srft.prompts import PromptSource  # noqa: E402
from srft.recipe import load_recipe  # noqa: E402


def main() -> None:
    """Steps until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("--fixed", action="store_true", help="no token ends a response")
    options = parser.parse_args()
    with prepared(load_recipe(options.recipe), say=lambda line: None) as ready:
        if options.fixed:
            ready = without_end(ready)
        with new_run_directory(ready, options.run_dir) as run:
            session = new_session(ready, run)
            _say(_prompts(ready))
            warm_up = 0
            for line in sys.stdin:
                warm_up += line.strip() == "warm up"
                tokens, start = session.tokens, time.perf_counter()
                session.ledger.restart()
                take_step(session)
                _say({"seconds": time.perf_counter() - start, "tokens": session.tokens - tokens})
    _say(shares_of_step(step_metrics_of(options.run_dir)[warm_up:]))


def _prompts(ready: Prepared) -> list[dict[str, object]]:
    """One entry for each prompt of each step."""
    source, training = PromptSource(ready.problems, ready.recipe.seed), ready.recipe.training
    draws = (source.draw(training.prompts_per_step, lambda problem: True, {}) for _ in range(training.steps))
    problems = [drawn.problem for draw in draws for drawn in draw]
    return [{"text": problem.prompt_text, "ids": list(problem.prompt_ids)} for problem in problems]


def _say(value: object) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()

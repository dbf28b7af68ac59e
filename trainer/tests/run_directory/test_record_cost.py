"""Recording stays under 1 % of a step."""

from __future__ import annotations

import time

from tests.run_directory.examples import create, prompt, row

STEP_S = 1.0
"""A short step of the demo: 128 rows of about 40 tokens."""


def test_a_step_of_128_rows_is_recorded_in_a_hundredth_of_its_time(tmp_path):
    groups = [[row(index, [b" word"] * 40, seed=group) for index in range(8)] for group in range(16)]
    metrics = {f"metric/{number}": number / 7 for number in range(40)}
    cpu_s = []
    with create(tmp_path / "run") as run:
        for step in range(1, 21):
            begin = time.process_time()
            for group, rows in enumerate(groups):
                run.append_group(step, group, prompt(), rows)
            run.step(step, phase="srft", metrics=metrics, tokens=0)
            cpu_s.append(time.process_time() - begin)
    # The best of some: what other programs take from this machine is not the writer's cost.
    assert min(cpu_s) < 0.01 * STEP_S

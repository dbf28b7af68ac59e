"""Make the embedded demo: its base model and its data, from nothing, in about five minutes on one core.

    python trainer/demo/make_demo.py [--data-only] [--to FOLDER]

Everything is seeded and counted in steps, on one thread. The data files are the same to the byte on every machine.
The weights are the same to the bit when the same versions of torch and transformers run again on the same processor;
elsewhere the last digits of the sums differ, and with them the figures in `base_figures.json`, by a few hundredths.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

TRAINER = Path(__file__).parents[1]


def main() -> None:
    """Write the data, and the base model unless told otherwise."""
    from demo.data import data_files, draw_data

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=TRAINER / "demo", help="where data/ and base/ are written")
    parser.add_argument("--data-only", action="store_true", help="leave the base model as it is")
    arguments = parser.parse_args()
    data = draw_data()
    (arguments.to / "data").mkdir(parents=True, exist_ok=True)
    for name, text in data_files(data).items():
        (arguments.to / "data" / name).write_text(text, encoding="utf-8", newline="\n")
    if not arguments.data_only:
        from demo.base import make_base

        figures = make_base(data, arguments.to / "base")
        text = json.dumps(figures, indent=2) + "\n"
        (arguments.to / "base_figures.json").write_text(text, encoding="utf-8", newline="\n")
        print(text)


if __name__ == "__main__":
    sys.path.insert(0, str(TRAINER))
    main()

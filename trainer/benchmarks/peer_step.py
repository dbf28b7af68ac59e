"""A whole GRPO step against TRL's GRPOTrainer: same model, prompts, number of tokens and updates, on the CPU.

`python -m benchmarks.peer_step` prints a line a step and, last, one JSON object. It runs in the peer's environment, the
same torch for both sides. Each side has a process of its own, as its users start it, and they take their steps in turn.

8 prompts, 8 responses each, at most 128 tokens, one AdamW update a step at a learning rate that moves nothing, so that
all steps do the same work. Our step is the product's: sampling, judging in the reward's own process, update, and
recording to a run directory (`our_step`). TRL's runs from the end of one step to the end of the next, less the time of
ours. `fixed`: no token ends a response, on either side. `natural`: the model's end token does.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback

from benchmarks.measuring import DEMO, Timed, figures_of_pairs, print_figures
from benchmarks.random_model import write_random_model
from benchmarks.reward import score
from srft.engine.policy import restore_padding_gradient

PROMPTS, RESPONSES, MAX_TOKENS = 8, 8, 128
LEARNING_RATE = 1e-9
WARM_UP_STEPS = 2


@dataclass(frozen=True, slots=True)
class Case:
    """One comparison."""

    model: str
    """`demo` or `random`."""
    fixed: bool
    """No token ends a response."""


CASES = {
    "step_vs_trl_demo_fixed": Case("demo", fixed=True),
    "step_vs_trl_random_fixed": Case("random", fixed=True),
    "step_vs_trl_demo_natural": Case("demo", fixed=False),
}


class OurSide:
    """The other process."""

    def __init__(self, requests: IO[str], answers: IO[str]) -> None:
        self._requests, self._answers = requests, answers
        self.prompts: list[dict[str, Any]] = self._answer()
        """Of all steps, in order: text and ids."""

    def step(self, *, warm_up: bool) -> Timed:
        """Takes one step."""
        self._requests.write("warm up\n" if warm_up else "step\n")
        self._requests.flush()
        return Timed(**self._answer())

    def finish(self) -> str:
        """Where the time of its steps went."""
        self._requests.close()
        return self._answer()

    def _answer(self) -> Any:
        line = self._answers.readline()
        if not line:
            raise RuntimeError("our side ended; what it said stands above")
        return json.loads(line)


@contextlib.contextmanager
def our_side(recipe: Path, run_dir: Path, case: Case) -> Generator[OurSide]:
    """Starts it; it ends with the block."""
    command = [sys.executable, "-m", "benchmarks.our_step", str(recipe), str(run_dir), *(["--fixed"] * case.fixed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield OurSide(process.stdin, process.stdout)
        finally:
            process.kill()


@dataclass(slots=True)
class Turns(TrainerCallback):
    """Takes our step after each of TRL's and times both."""

    ours_in_turn: OurSide
    their_tokens: list[int]
    """Of each of TRL's steps, as its reward function saw them."""
    theirs: list[Timed] = field(default_factory=list)
    ours: list[Timed] = field(default_factory=list)
    began: float = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """The clock starts."""
        self.began = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Theirs is over; ours follows."""
        end = time.perf_counter()
        self.theirs.append(Timed(seconds=end - self.began, tokens=self.their_tokens[-1]))
        self.ours.append(self.ours_in_turn.step(warm_up=len(self.ours) < WARM_UP_STEPS))
        self.began = time.perf_counter()
        theirs, ours = self.theirs[-1], self.ours[-1]
        print(
            f"step {len(self.ours):2}: TRL {theirs.seconds:.3f} s, {theirs.tokens} tokens; "
            f"ours {ours.seconds:.3f} s, {ours.tokens} tokens; {theirs.seconds / ours.seconds:.2f}",
            flush=True,
        )


def measure(key: str, case: Case, steps: int, threads: int, folder: Path) -> dict[str, float]:
    """The figures of one comparison."""
    model_folder = DEMO / "base"
    if case.model == "random":
        model_folder = folder / "random-model"
        write_random_model(model_folder)
    recipe = folder / "recipe.srft.json"
    recipe.write_text(json.dumps(_recipe(model_folder, steps, threads)), encoding="utf-8")
    with our_side(recipe, folder / "run", case) as ours_in_turn:
        turns = Turns(ours_in_turn, their_tokens=[])
        _train_with_trl(ours_in_turn.prompts, case, model_folder, steps, turns, folder / "trl")
        print(f"our step: {ours_in_turn.finish()}", flush=True)
    theirs, ours = turns.theirs[WARM_UP_STEPS:], turns.ours[WARM_UP_STEPS:]
    if case.fixed:
        for each in (*theirs, *ours):
            if each.tokens != PROMPTS * RESPONSES * MAX_TOKENS:
                raise RuntimeError(f"a step generated {each.tokens} tokens although nothing ends a response")
    return figures_of_pairs(key, theirs, ours)


def _recipe(model: Path, steps: int, threads: int) -> Mapping[str, Any]:
    return {
        "model": {"path": str(model), "device": "cpu", "dtype": "float32", "threads": threads},
        "data": {"path": str(DEMO / "data" / "train.jsonl"), "columns": {"id": "id"}},
        "reward": {"parts": [{"kind": "python", "path": str(Path(__file__).with_name("reward.py"))}], "gate": None},
        "method": {"kind": "grpo", "rollouts": RESPONSES},
        "rollouts": {"max_tokens": MAX_TOKENS},
        "training": {"steps": steps, "prompts_per_step": PROMPTS},
        "optimiser": {"learning_rate": LEARNING_RATE},
    }


def _train_with_trl(
    prompts: Sequence[Mapping[str, Any]], case: Case, model_folder: Path, steps: int, turns: Turns, output: Path
) -> None:
    # TRL lies in the peer's environment alone, where no linter looks.
    trl: Any = importlib.import_module("trl")
    datasets: Any = importlib.import_module("datasets")
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)
    restore_padding_gradient(model)
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    if case.fixed:
        _take_end_away(model, tokenizer)

    def reward(prompts: Sequence[str], completions: Sequence[str], completion_ids: Sequence[Any], **others: Any):
        turns.their_tokens.append(sum(len(ids) for ids in completion_ids))
        return [score(prompt, completion, None, {}) for prompt, completion in zip(prompts, completions, strict=True)]

    trainer = trl.GRPOTrainer(
        model=model,
        processing_class=tokenizer,
        reward_funcs=reward,
        train_dataset=datasets.Dataset.from_list(_checked(prompts, tokenizer)),
        args=trl.GRPOConfig(
            output_dir=str(output),
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            per_device_train_batch_size=PROMPTS * RESPONSES,
            num_generations=RESPONSES,
            max_completion_length=MAX_TOKENS,
            max_steps=steps,
            shuffle_dataset=False,
            learning_rate=LEARNING_RATE,
            temperature=1.0,
            top_p=1.0,
            top_k=0,
            beta=0.0,
            loss_type="grpo",
            report_to="none",
            logging_strategy="no",
            save_strategy="no",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        ),
        callbacks=[turns],
    )
    trainer.train()


def _take_end_away(model: Any, tokenizer: Any) -> None:
    """Give TRL an end token that the model cannot write, since its number lies beyond the head."""
    tokenizer.add_special_tokens({"eos_token": "<|beyond_the_head|>"})
    if int(tokenizer.eos_token_id) < model.config.vocab_size:
        raise RuntimeError("the model can write the token that was to be out of its reach")
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.config.eos_token_id = tokenizer.eos_token_id


def _checked(prompts: Sequence[Mapping[str, Any]], tokenizer: Any) -> list[dict[str, str]]:
    """Rendered as for us; TRL tokenises them to the same numbers."""
    for prompt in prompts:
        if tokenizer(prompt["text"])["input_ids"] != prompt["ids"]:
            raise RuntimeError(f"a prompt has other tokens on TRL's side: {prompt['text']!r}")
    return [{"prompt": prompt["text"]} for prompt in prompts]


def main() -> None:
    """Measures all cases, or those named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=list(CASES), metavar="KEY", help="this comparison alone")
    parser.add_argument("--quick", action="store_true", help="3 pairs instead of 11")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    os.environ.update(HF_HUB_OFFLINE="1", TRL_EXPERIMENTAL_SILENCE="1", TOKENIZERS_PARALLELISM="false")
    torch.set_num_threads(options.threads)
    steps = WARM_UP_STEPS + (3 if options.quick else 11)
    figures: dict[str, float] = {}
    for key, case in CASES.items():
        if options.only is None or key in options.only:
            print(f"{key}, {options.threads} threads", flush=True)
            with tempfile.TemporaryDirectory(prefix="srft-bench-") as folder:
                figures |= measure(key, case, steps, options.threads, Path(folder))
    print_figures(figures)


if __name__ == "__main__":
    main()

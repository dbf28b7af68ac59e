"""A real model, SmolLM2-135M-Instruct, trains three SRFT steps with LoRA by the recipe of examples/smollm2."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from srft.config import ModelConfig, PromptConfig
from srft.data import load_problems
from srft.engine.policy import load_policy
from srft.engine.training_pass import make_training_pass
from srft.recipe import LoadedRecipe, load_recipe
from srft.rewards import Judge, Response
from srft.rows import Problem
from srft.run_directory.reader import iterate_events, iterate_index, read_record

pytestmark = pytest.mark.long

TRAINER = Path(__file__).resolve().parents[2]
EXAMPLE = TRAINER / "examples" / "smollm2"
FOLDER = TRAINER.parent / ".srft" / "examples" / "smollm2"
"""Kept from run to run: turning the weights into safetensors takes half a minute."""


@dataclass(frozen=True)
class Trained:
    run: Path
    exported: Path
    said: str

    def step_metrics(self) -> list[dict[str, float]]:
        return [event["metrics"] for event in iterate_events(self.run) if event["kind"] == "step"]

    def rows(self, kind: str, step: int | None = None) -> list[dict]:
        return [row for row in iterate_index(self.run) if row["kind"] == kind and step in (None, row["step"])]


def run_python(*arguments: object) -> str:
    """Run as a user would, without the network; returns what was said."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(TRAINER), "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def loaded() -> LoadedRecipe:
    run_python(EXAMPLE / "prepare.py", FOLDER)
    return load_recipe(FOLDER / "smollm2.srft.json")


@pytest.fixture(scope="module")
def trained(loaded, tmp_path_factory) -> Iterator[Trained]:
    folder = tmp_path_factory.mktemp("smollm2")
    run, exported = folder / "run", folder / "exported"
    said = run_python("-m", "srft.cli", "train", loaded.path, "--run-dir", run)
    run_python("-m", "srft.cli", "export", run, "--step", 3, "--to", exported)
    yield Trained(run, exported, said)
    shutil.rmtree(exported)


@pytest.fixture(scope="module")
def tokenizer(loaded):
    return AutoTokenizer.from_pretrained(FOLDER / "model")


def problems_of(loaded: LoadedRecipe, tokenizer, prompt: PromptConfig | None = None) -> list[Problem]:
    recipe = loaded.recipe
    assert recipe.evaluation is not None
    return [
        problem
        for data in (recipe.data, recipe.evaluation.data)
        for problem in load_problems(
            data, prompt or recipe.prompt, tokenizer, loaded.base_dir, recipe.rollouts.max_tokens
        )
    ]


def transformers_logprobs(
    folder: Path, rows: Sequence[tuple[Sequence[int], Sequence[int]]], temperature: float
) -> list[Tensor]:
    """[T] log p of each response token after its prompt, by transformers' own forward in float32."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    found = []
    for prompt, response in rows:
        ids = torch.tensor([[*prompt, *response]])
        with torch.no_grad():
            logits_TV = model(ids).logits[0, len(prompt) - 1 : -1] / temperature
        found.append(logits_TV.log_softmax(-1).gather(1, torch.tensor(response)[:, None])[:, 0])
    return found


def test_three_steps_end_well(trained):
    events = list(iterate_events(trained.run))
    assert [event["step"] for event in events if event["kind"] == "step"] == [1, 2, 3]
    assert events[-1]["kind"] == "ended"
    assert events[-1]["end"]["kind"] == "finished"
    assert not [event for event in events if event["kind"] == "non_finite"]
    for metrics in trained.step_metrics():
        assert all(value is not None and math.isfinite(value) for value in metrics.values())
        assert metrics["gradient/norm"] > 0
        assert metrics["demonstrations/correct"] == 1
        assert 0 < metrics["weight/sft"] < 0.5
        assert metrics["weight/rl"] > 0.1
    evaluations = [event for event in events if event["kind"] == "evaluation"]
    assert [(event["step"], event["greedy"]["accuracy"]["count"]) for event in evaluations] == [(0, 8), (3, 8)]
    before, after = (event["greedy"]["boxed"]["value"] for event in evaluations)
    assert before == 0
    assert after >= 0.25  # Three steps teach the form of the answer, not how to reckon.


def test_every_step_has_three_rollouts_and_a_demonstration_of_four_prompts(trained):
    for step in (1, 2, 3):
        assert len(trained.rows("rollout", step)) == 12
        assert len(trained.rows("demonstration", step)) == 4
    prompts = [row["prompt_id"] for row in trained.rows("demonstration")]
    assert len(set(prompts)) == 12


def test_sampled_and_trained_log_probs_agree(trained):
    assert all(metrics["logprob/drift"] < 1e-4 for metrics in trained.step_metrics())


def test_recorded_log_probs_of_the_first_step_are_those_of_transformers(trained, loaded):
    rows = [*trained.rows("rollout", 1), *trained.rows("demonstration", 1)]
    records = [read_record(trained.run, row["address"]) for row in rows]
    prompts = [read_record(trained.run, row["prompt"]) for row in rows]
    expected = transformers_logprobs(
        FOLDER / "model",
        [
            (prompt.values["id"].tolist(), record.values["id"].tolist())
            for prompt, record in zip(prompts, records, strict=True)
        ],
        loaded.recipe.rollouts.temperature,
    )
    for record, logprob_T in zip(records, expected, strict=True):
        torch.testing.assert_close(torch.tensor(record.values["logprob"]), logprob_T, rtol=0, atol=1e-3)


def test_records_are_readable_without_a_tokenizer(trained, tokenizer):
    rows = list(iterate_index(trained.run))
    assert len(rows) == 3 * 16 + 2 * 8
    for row in rows:
        for address in (row["address"], row["prompt"]):
            record = read_record(trained.run, address)
            assert int(record.values["byte_length"].sum()) == len(record.text)
            assert record.text.decode() == tokenizer.decode(record.values["id"], clean_up_tokenization_spaces=False)
        record = read_record(trained.run, row["address"])
        assert record.tokens == row["tokens"] <= 96
        assert record.text.endswith(b"<|im_end|>") == (row["stop"] != "length")


def test_the_export_is_the_base_plus_the_adapters(trained, loaded):
    lora = loaded.recipe.model.lora
    assert lora is not None
    adapters = load_file(trained.run / "checkpoints" / "step-000003" / "adapter_model.safetensors")
    base, exported = (
        load_file(FOLDER / "model" / "model.safetensors"),
        load_file(trained.exported / "model.safetensors"),
    )
    assert base.keys() == exported.keys()
    changed = set()
    for name, weight in base.items():
        prefix = f"base_model.model.{name.removesuffix('.weight')}"
        if f"{prefix}.lora_A.weight" not in adapters:
            assert torch.equal(exported[name], weight.float())
            continue
        up, down = adapters[f"{prefix}.lora_B.weight"], adapters[f"{prefix}.lora_A.weight"]
        assert up.abs().max() > 0  # It starts at zero.
        torch.testing.assert_close(exported[name], weight.float() + lora.alpha / lora.rank * up @ down)
        changed.add(name)
    assert len(changed) == len(lora.targets) * 30


def test_demonstrations_became_likelier(trained, loaded):
    """In the model that transformers loads from the export."""
    rows = trained.rows("demonstration", 1)
    records = [read_record(trained.run, row["address"]) for row in rows]
    prompts = [read_record(trained.run, row["prompt"]).values["id"].tolist() for row in rows]
    after = transformers_logprobs(
        trained.exported,
        [(prompt, record.values["id"].tolist()) for prompt, record in zip(prompts, records, strict=True)],
        loaded.recipe.rollouts.temperature,
    )
    rises = [
        float(logprob_T.mean() - record.values["logprob"].mean())
        for record, logprob_T in zip(records, after, strict=True)
    ]
    assert min(rises) > 0
    assert sum(rises) / len(rises) > 0.1


def test_every_worked_solution_is_right_whole_and_ended(loaded, tokenizer):
    problems = problems_of(loaded, tokenizer)
    assert len(problems) == 16 + 8
    with Judge(loaded.recipe.reward, loaded.base_dir) as judge:
        for problem in problems:
            assert problem.demonstration_ids is not None
            assert problem.demonstration_text is not None
            assert problem.demonstration_ids[-1] == tokenizer.convert_tokens_to_ids("<|im_end|>")
            assert not problem.demonstration_cut
            assert judge.score([Response(problem=problem, text=problem.demonstration_text, ended=True)])[0].correct
            other = problem.demonstration_text.replace(f"boxed{{{problem.answer}}}", "boxed{-1}")
            assert not judge.score([Response(problem=problem, text=other, ended=True)])[0].correct


def test_the_system_prompt_the_template_injects_gives_way_to_the_recipes(loaded, tokenizer):
    injected = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
    for problem in problems_of(loaded, tokenizer, PromptConfig(system=None)):
        assert problem.prompt_text == (
            f"{injected}<|im_start|>user\n{problem.question}<|im_end|>\n<|im_start|>assistant\n"
        )
    for problem in problems_of(loaded, tokenizer):
        assert problem.prompt_text.startswith(f"<|im_start|>system\n{loaded.recipe.prompt.system}<|im_end|>\n")
        assert "named SmolLM" not in problem.prompt_text


def test_the_pad_token_ends_every_turn_and_its_embedding_learns(loaded, tokenizer):
    assert tokenizer.pad_token == tokenizer.eos_token == "<|im_end|>"
    policy = load_policy(
        ModelConfig(path="model", device="cpu", dtype="float32"), loaded.base_dir, seed=0, where="a test"
    )
    problem = problems_of(loaded, tokenizer)[0]
    assert problem.demonstration_ids is not None
    assert tokenizer.pad_token_id in problem.prompt_ids
    embedding_VH = policy.model.get_input_embeddings().weight
    # The tied head gives every row a gradient too, so the loss stands before it.
    for hidden_NH in (
        make_training_pass(policy.model).hidden([(problem.prompt_ids, problem.demonstration_ids)])[0],
        policy.model.model(torch.tensor([problem.prompt_ids])).last_hidden_state[0],
    ):
        embedding_VH.grad = None
        hidden_NH.square().mean().backward()
        assert embedding_VH.grad is not None
        assert embedding_VH.grad[tokenizer.pad_token_id].abs().max() > 0

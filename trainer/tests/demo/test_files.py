"""The demo's files: what the script makes, held apart where they must be, in the form the trainer reads."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest

from demo.data import data_files, draw_data
from demo.task import GAINING_VERBS, LOSING_VERBS, Operation, draw_problem, read_solution
from srft.recipe import load_recipe

DEMO = Path(__file__).parents[2] / "demo"
SETS = ("train", "held_out", "final")
RECIPES = ("srft", "sft", "grpo", "luffy", "sft_rl")


def rows(name: str) -> list[dict]:
    return [json.loads(line) for line in (DEMO / "data" / f"{name}.jsonl").read_text("utf-8").splitlines()]


def numbers(prompt: str) -> tuple:
    """Start and operations as the words of the question say them."""
    start = re.search(r"has (\d+)", prompt)
    assert start is not None
    events = re.findall(rf"({'|'.join(GAINING_VERBS + LOSING_VERBS)}) (\d)", prompt)
    return int(start[1]), tuple(Operation("+" if verb in GAINING_VERBS else "-", int(digit)) for verb, digit in events)


@pytest.mark.parametrize("name", SETS)
def test_the_script_makes_the_file_to_the_byte(name) -> None:
    assert (DEMO / "data" / f"{name}.jsonl").read_bytes() == data_files(draw_data())[f"{name}.jsonl"].encode()


def test_no_problem_is_in_two_sets_or_twice_in_one() -> None:
    keys = [numbers(row["prompt"]) for name in SETS for row in rows(name)]
    assert len(set(keys)) == len(keys)
    ids = [row["id"] for name in SETS for row in rows(name)]
    assert len(set(ids)) == len(ids)


def test_reserved_is_what_the_files_hold() -> None:
    assert draw_data().reserved == {numbers(row["prompt"]) for name in ("held_out", "final") for row in rows(name)}


@pytest.mark.parametrize("name", SETS)
def test_rows_agree_with_their_problems(name) -> None:
    data = draw_data()
    for row, problem in zip(rows(name), getattr(data, name), strict=True):
        assert row["prompt"] == problem.text
        assert row["answer"] == str(problem.answer)
        assert numbers(row["prompt"]) == problem.key
        if row["demonstration"] is not None:
            reading = read_solution(row["demonstration"], problem)
            assert reading.right and reading.steps_valid


def test_pretraining_keeps_clear_of_reserved_problems() -> None:
    import torch

    from demo.base import corpus, stages
    from demo.pretraining import build_model, pretrain
    from demo.tokenizer import build_tokenizer

    torch.manual_seed(0)
    tokenizer = build_tokenizer(corpus(frozenset()))
    shortened = tuple(stage.shortened(2) for stage in stages() if stage.sheet_share < 1)
    seen = pretrain(build_model(tokenizer), tokenizer, shortened, frozenset(), 1, lambda *_: None)
    reserved = frozenset(sorted(seen, key=repr)[::2])
    again = pretrain(build_model(tokenizer), tokenizer, shortened, reserved, 1, lambda *_: None)
    assert seen & again
    assert not again & reserved


def test_the_tokenizer_and_its_template() -> None:
    from transformers import PreTrainedTokenizerFast

    from demo.tokenizer import END, chat_prompt

    tokenizer = PreTrainedTokenizerFast.from_pretrained(DEMO / "base")
    problem = draw_problem(random.Random(0), 4)
    messages = [{"role": "user", "content": problem.text}]
    assert tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True) == chat_prompt(
        problem.text
    )
    assert tokenizer.eos_token == END
    assert tokenizer.tokenize("85-3=82") == list("85-3=82")
    assert len(tokenizer.encode("<think></think>")) == 2
    text = "<think>\n85-3=82\n82 shells\n</think>\n\\boxed{82}"
    assert tokenizer.decode(tokenizer.encode(text)) == text
    longest = max(len(tokenizer.encode(row["demonstration"] or "")) for row in rows("train"))
    assert longest < 60


def test_the_base_is_small_and_as_good_as_the_demo_wants() -> None:
    total = sum(path.stat().st_size for path in DEMO.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert total < 6_000_000
    assert not list(DEMO.rglob("*.bin")) + list(DEMO.rglob("*.pt"))
    figures = json.loads((DEMO / "base_figures.json").read_text("utf-8"))
    assert figures["greedy_accuracy"] <= 0.40
    assert figures["pass_at_8"] >= 0.75
    assert figures["entropy_nats_per_token"] >= 0.2
    assert figures["truncated"] <= 0.02


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_load_and_differ_in_method_and_steps_only(name) -> None:
    def common(recipe_name: str) -> dict:
        recipe = load_recipe(DEMO / "recipes" / f"{recipe_name}.srft.json", []).recipe.model_dump()
        assert recipe["method"]["kind"] == recipe_name
        for key in ("name", "method", "optimiser", "checkpoint"):
            del recipe[key]
        del recipe["training"]["steps"], recipe["evaluation"]["every"]
        return recipe

    assert common(name) == common("srft")

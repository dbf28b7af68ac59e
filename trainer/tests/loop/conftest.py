"""The toy world and the trainer processes, each made once."""

from __future__ import annotations

import shutil

import pytest
import torch

from tests.loop.runs import Trainers
from tests.loop.toy import make_toy


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def _toy_master(tmp_path_factory):
    return make_toy(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def recipe(_toy_master, tmp_path):
    """A copy of the toy world; the path of its recipe."""
    shutil.copytree(_toy_master.parent, tmp_path / "toy")
    return tmp_path / "toy" / _toy_master.name


@pytest.fixture(scope="session")
def trainers(tmp_path_factory):
    started = Trainers(tmp_path_factory.mktemp("trainers"))
    yield started
    started.close()


@pytest.fixture
def in_recipe_folder(recipe, monkeypatch):
    """Work in the recipe's folder, so that sentences name places as a person there sees them."""
    monkeypatch.chdir(recipe.parent)

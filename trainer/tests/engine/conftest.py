"""Tiny random models of every family, and a way to put LoRA adapters that do something on them."""

from __future__ import annotations

import pytest
import torch

from tests.engine.tiny import FAMILIES, tiny_model


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(params=FAMILIES)
def family(request) -> str:
    return request.param


@pytest.fixture
def model(family):
    return tiny_model(family)

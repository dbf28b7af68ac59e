"""The reference of the sampler is what it draws."""

from __future__ import annotations

import json

from tests.inference.sampling_reference import FILE, reference


def test_reference_of_the_sampler_is_up_to_date() -> None:
    assert reference() == json.loads(FILE.read_text(encoding="utf-8"))

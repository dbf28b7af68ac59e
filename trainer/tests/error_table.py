"""Every refusal is a row of docs/errors.md: the tests that provoke it hand it to `record`, with the real sentence."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ErrorCase:
    """One refusal: a name for the test, what was given in one phrase, and the whole sentence."""

    name: str
    given: str
    sentence: str


def record(section: str, given: str, sentence: str) -> None:
    """Append a row to the file that `SRFT_ERROR_TABLE` names, when it names one."""
    table = os.environ.get("SRFT_ERROR_TABLE")
    if table:
        with Path(table).open("a", encoding="utf-8") as file:
            row = {"section": section, "given": given, "sentence": sentence}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")

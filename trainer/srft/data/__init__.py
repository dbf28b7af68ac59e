"""Problems: read from files, mapped, rendered by the model's chat template and tokenised; no torch, no transformers."""

from srft.data.overlap import OverlapReport, find_overlap
from srft.data.problems import load_problems, require_demonstrations
from srft.data.prompting import Seam, seam_report
from srft.data.token_text import response_text, token_bytes

__all__ = [
    "OverlapReport",
    "Seam",
    "find_overlap",
    "load_problems",
    "require_demonstrations",
    "response_text",
    "seam_report",
    "token_bytes",
]

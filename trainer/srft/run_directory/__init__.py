"""The run directory: what the trainer writes and everybody else reads. The format: docs/run-directory.md."""

from srft.run_directory.errors import RunDirectoryError
from srft.run_directory.layout import Layout, Pass
from srft.run_directory.options import WriterOptions
from srft.run_directory.records import PromptRecord, RowRecord
from srft.run_directory.writer import RunDirectory

__all__ = ["Layout", "Pass", "PromptRecord", "RowRecord", "RunDirectory", "RunDirectoryError", "WriterOptions"]

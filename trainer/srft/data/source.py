"""Rows of a data set, one after another, each with its place: JSONL, parquet, a folder, or a Hub id."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srft.config import DataConfig
from srft.data.places import nearest, shortened, shown_path
from srft.errors import InputError

MAX_LINE_BYTES = 16 << 20
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_BATCH_ROWS = 256


@dataclass(frozen=True, slots=True)
class DataRow:
    """One row as it stands in the file."""

    place: str
    """`file:line`, or `file, row n` where there are no lines; both count from 1."""
    columns: dict[str, Any]


def read_rows(data: DataConfig, base_dir: Path) -> Iterator[DataRow]:
    """All rows of a data set in their order, at most `data.limit`; never more than one line or batch in memory.

    Raises `InputError` at the first row that is not one.
    """
    rows = _rows(data, base_dir / Path(data.path).expanduser())
    for number, row in enumerate(rows, start=1):
        yield row
        if number == data.limit:
            return


def _rows(data: DataConfig, path: Path) -> Iterator[DataRow]:
    if path.is_dir():
        return _read_folder(path, data.split)
    if path.exists():
        match path.suffix:
            case ".jsonl":
                return read_jsonl(path)
            case ".parquet":
                return _read_parquet(path)
            case _:
                raise InputError(
                    f"the data file's ending is {path.suffix or 'missing'}",
                    where=shown_path(path),
                    remedy="give a .jsonl or .parquet file, or a data set folder",
                )
    if _HUB_ID.fullmatch(data.path) and not data.path.endswith((".jsonl", ".parquet")):
        return _read_hub(data.path, data.split)
    raise InputError(
        "there is no such data file or folder", where=shown_path(path), remedy="correct the path of the data"
    )


# ---------------------------------------------------------------- JSONL


def read_jsonl(path: Path) -> Iterator[DataRow]:
    """Rows of a JSONL file; blank lines are passed over, an empty file is an error."""
    shown, rows = shown_path(path), 0
    with _open(path) as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            where = f"{shown}:{number}"
            if len(line) > MAX_LINE_BYTES:
                raise InputError(
                    f"the line is longer than {MAX_LINE_BYTES >> 20} MiB",
                    where=where,
                    remedy="write one problem a line",
                )
            if number == 1:
                line = _without_bom(line, where)
            if not line.strip():
                continue
            rows += 1
            yield DataRow(where, parse_line(line, where))
    if not rows:
        raise InputError("the data file is empty", where=shown, remedy="write one JSON object a line")


def _open(path: Path) -> Any:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(
            f"the data cannot be read ({error.strerror})", where=shown_path(path), remedy="correct its permissions"
        ) from None


def _without_bom(line: bytes, where: str) -> bytes:
    if line.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError("the file is UTF-16", where=where, remedy="save it as UTF-8")
    return line.removeprefix(b"\xef\xbb\xbf")


def parse_line(line: bytes, where: str) -> dict[str, Any]:
    """The JSON object of one line."""
    if b"\x00" in line:
        raise InputError("the line holds NUL bytes", where=where, remedy="give a text file in JSONL, not a binary one")
    try:
        value = json.loads(line.decode(), object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise InputError(
            f"byte {error.start + 1} of the line ({line[error.start]:#04x}) is not UTF-8",
            where=where,
            remedy="save the file as UTF-8",
        ) from None
    except json.JSONDecodeError as error:
        raise InputError(
            f"the line is not JSON ({error.msg}, column {error.colno})",
            where=where,
            remedy="write one JSON object a line",
        ) from None
    except RecursionError:
        raise InputError("the JSON is nested too deeply", where=where, remedy="flatten the row") from None
    except ValueError as error:  # also a number of more digits than Python turns into one
        reason = "a number has too many digits" if "digits" in str(error) else str(error)
        raise InputError(f"the line is not JSON ({reason})", where=where, remedy="correct the row") from None
    if not isinstance(value, dict):
        raise InputError(
            f"the line is {shortened(value, 40)}, not a JSON object",
            where=where,
            remedy='write {"prompt": …, "answer": …}',
        )
    return value


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key `{next(name for name in names if names.count(name) > 1)}` stands there twice")
    return result


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


# ---------------------------------------------------------------- parquet, folders, the Hub


def _read_parquet(path: Path) -> Iterator[DataRow]:
    import pyarrow
    from pyarrow import parquet

    shown, number = shown_path(path), 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                for columns in batch.to_pylist():
                    number += 1
                    yield DataRow(f"{shown}, row {number}", columns)
    except (pyarrow.ArrowException, OSError) as error:
        reason = _first_line(error).partition(". ")[0]
        raise InputError(
            f"the file cannot be read as parquet ({reason})",
            where=shown,
            remedy="write it again, or give the whole file",
        ) from None
    if not number:
        raise InputError("the data file has no rows", where=shown, remedy="give a file with problems")


def _read_folder(path: Path, split: str) -> Iterator[DataRow]:
    """A folder `datasets` saved, or one of parquet or JSONL files whose names begin with the split."""
    if (path / "dataset_dict.json").is_file() or (path / "dataset_info.json").is_file():
        return _read_saved(path, split)
    files = sorted(file for ending in ("parquet", "jsonl") for file in path.rglob(f"*.{ending}"))
    chosen = [file for file in files if re.match(re.escape(split) + r"(?![A-Za-z0-9])", file.name)]
    if not chosen:
        names = ", ".join(file.name for file in files[:5]) or "none"
        raise InputError(
            f"no .parquet or .jsonl file in the folder begins with the split `{split}` (there: {names})",
            where=shown_path(path),
            remedy="correct the split, or name one file",
        )
    return (row for file in chosen for row in (_read_parquet(file) if file.suffix == ".parquet" else read_jsonl(file)))


def _read_saved(path: Path, split: str) -> Iterator[DataRow]:
    import datasets

    shown = shown_path(path)
    try:
        loaded = datasets.load_from_disk(str(path))
    except Exception as error:
        raise InputError(
            f"the data set folder cannot be read ({_first_line(error)})", where=shown, remedy="save it again"
        ) from None
    if isinstance(loaded, datasets.DatasetDict):
        names = [str(name) for name in loaded]
        if split not in names:
            near = nearest(split, names) or ", ".join(names)
            raise InputError(f"there is no split `{split}`", where=shown, remedy=f"set the split to {near}")
        loaded = loaded[split]
    return _numbered(loaded, shown)


def _read_hub(name: str, split: str) -> Iterator[DataRow]:
    import datasets

    try:
        loaded = datasets.load_dataset(name, split=split)
    except Exception as error:
        raise InputError(
            f"there is no such folder here, and the data set cannot be fetched from the Hub ({_first_line(error)})",
            where=name,
            remedy="correct the path, the split or the connection",
        ) from None
    return _numbered(loaded, name)


def _numbered(rows: Any, shown: str) -> Iterator[DataRow]:
    number = 0
    for columns in rows:
        number += 1
        yield DataRow(f"{shown}, row {number}", dict(columns))
    if not number:
        raise InputError("the data set has no rows", where=shown, remedy="give one with problems")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160].rstrip(".")

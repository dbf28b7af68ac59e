"""Reading data sets: JSONL, parquet, folders, and the sentence for every row that is none."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from srft.config import ColumnMapping, DataConfig
from srft.data import load_problems, require_demonstrations
from srft.data.problems import read_problems
from srft.errors import InputError
from tests.data.small_tokenizers import byte_level
from tests.error_table import ErrorCase, record

ROWS: list[dict[str, Any]] = [
    {"prompt": "1+1?", "answer": "2", "demonstration": "<think>1+1=2</think>\\boxed{2}", "level": 1},
    {"prompt": "2+2?", "answer": 4},
    {"prompt": [{"role": "user", "content": "½+½?"}], "answer": "1", "demonstration": None},
]


def jsonl(rows) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def read(folder: Path, name: str = "data.jsonl", **options):
    return list(read_problems(DataConfig(path=name, **options), folder))


def summary(problems):
    return [(problem.id, problem.question, problem.answer, problem.demonstration) for problem in problems]


EXPECTED = [
    ("1", "1+1?", "2", "<think>1+1=2</think>\\boxed{2}"),
    ("2", "2+2?", "4", None),
    ("3", "½+½?", "1", None),
]


@pytest.mark.parametrize(
    "content",
    [
        jsonl(ROWS),
        jsonl(ROWS).replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + jsonl(ROWS),
        jsonl(ROWS).rstrip(b"\n"),
        jsonl(ROWS).replace(b"\n", b"\n\n"),
    ],
    ids=["plain", "CRLF", "BOM", "no last newline", "blank lines"],
)
def test_jsonl(content, tmp_path):
    (tmp_path / "data.jsonl").write_bytes(content)
    assert summary(read(tmp_path)) == EXPECTED


def test_places_count_lines_and_ids_count_rows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("data.jsonl").write_bytes(b"\n" + jsonl(ROWS[:1]) + b"\n" + jsonl(ROWS[1:2]))
    assert [(problem.id, problem.place) for problem in read(tmp_path)] == [("1", "data.jsonl:2"), ("2", "data.jsonl:4")]


def test_limit_reads_no_further(tmp_path):
    (tmp_path / "data.jsonl").write_bytes(jsonl(ROWS[:2]) + b"not JSON\n")
    assert summary(read(tmp_path, limit=2)) == EXPECTED[:2]


def test_all_columns_reach_the_problem(tmp_path):
    (tmp_path / "data.jsonl").write_bytes(jsonl(ROWS[:1]))
    assert read(tmp_path)[0].columns == ROWS[0]


def chats(rows):
    """The rows with every prompt as messages, so that a column has one type."""
    return [
        {**row, "answer": str(row["answer"]), "prompt": [{"role": "user", "content": text}]}
        for row, (_, text, _, _) in zip(rows, EXPECTED, strict=True)
    ]


def test_parquet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parquet.write_table(pyarrow.Table.from_pylist(chats(ROWS)), "data.parquet")
    problems = read(tmp_path, "data.parquet")
    assert summary(problems) == EXPECTED
    assert problems[2].place == "data.parquet, row 3"


def test_folder_of_parquet_takes_the_split(tmp_path):
    folder = tmp_path / "set" / "data"
    folder.mkdir(parents=True)
    table = pyarrow.Table.from_pylist(chats(ROWS))
    parquet.write_table(table.slice(0, 2), folder / "train-00000-of-00002.parquet")
    parquet.write_table(table.slice(2), folder / "train-00001-of-00002.parquet")
    parquet.write_table(table, folder / "training.parquet")
    parquet.write_table(table.slice(1, 1), folder / "test-00000-of-00001.parquet")
    assert summary(read(tmp_path, "set")) == EXPECTED
    assert [problem.question for problem in read(tmp_path, "set", split="test")] == ["2+2?"]


@pytest.mark.parametrize("with_splits", [False, True])
def test_saved_data_set(with_splits, tmp_path):
    import datasets

    table = datasets.Dataset.from_list(chats(ROWS))
    saved = datasets.DatasetDict({"train": table}) if with_splits else table
    saved.save_to_disk(str(tmp_path / "set"))
    assert summary(read(tmp_path, "set")) == EXPECTED
    if with_splits:
        with pytest.raises(InputError, match="there is no split `test`; set the split to train"):
            read(tmp_path, "set", split="test")


OPENR1_ROW: dict[str, Any] = {
    "data_source": "Openr1-Math-46k",
    "prompt": [
        {"role": "system", "content": "Your task is to follow a systematic, thorough reasoning process …"},
        {"role": "user", "content": "Find x."},
    ],
    "target": [{"role": "assistant", "content": "<think>\nx=5\n</think>\n\\boxed{5}"}],
    "ability": "math",
    "reward_model": {"ground_truth": "5", "style": "rule"},
    "extra_info": {"index": 0, "split": "train"},
}


@pytest.mark.parametrize("target", [OPENR1_ROW["target"], OPENR1_ROW["target"][0]["content"]], ids=["list", "text"])
def test_openr1_mapping(target, tmp_path):
    parquet.write_table(pyarrow.Table.from_pylist([{**OPENR1_ROW, "target": target}]), tmp_path / "data.parquet")
    (problem,) = read(tmp_path, "data.parquet", columns="openr1_math")
    assert list(problem.messages) == OPENR1_ROW["prompt"]
    assert (problem.question, problem.answer) == ("Find x.", "5")
    assert problem.demonstration == "<think>\nx=5\n</think>\n\\boxed{5}"


@pytest.mark.parametrize(
    "row", [{"a.b": "q", "c": {"d": {"e": "7"}}}, {"a": {"b": "q"}, "c.d.e": "x", "c": {"d": {"e": "7"}}}]
)
def test_dotted_paths_prefer_a_column_of_that_name(row, tmp_path):
    (tmp_path / "data.jsonl").write_bytes(jsonl([row]))
    (problem,) = read(tmp_path, columns=ColumnMapping(prompt="a.b", answer="c.d.e", demonstration=None))
    assert (problem.question, problem.answer) == ("q", "x" if "c.d.e" in row else "7")


def test_ids_from_a_column(tmp_path):
    (tmp_path / "data.jsonl").write_bytes(jsonl([{**ROWS[0], "level": 7}, {**ROWS[1], "level": "b"}]))
    assert [problem.id for problem in read(tmp_path, columns=ColumnMapping(id="level"))] == ["7", "b"]


def test_a_line_of_a_gigabyte_is_refused_without_reading_it(tmp_path, monkeypatch):
    """The file is sparse: a gigabyte of zeros that takes no space on disk, and must take none in memory."""
    import tracemalloc

    monkeypatch.chdir(tmp_path)
    with Path("data.jsonl").open("wb") as file:
        file.write(jsonl(ROWS[:1]))
        file.truncate(1 << 30)
    tracemalloc.start()
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 100 << 20
    assert str(caught.value) == "data.jsonl:2: the line is longer than 16 MiB; write one problem a line."
    record("data", "a line of 1 GB", str(caught.value))


@dataclass(frozen=True)
class Refusal(ErrorCase):
    content: bytes = b""
    file: str = "data.jsonl"
    options: dict[str, Any] = field(default_factory=dict)


def row(**changes) -> bytes:
    return jsonl([ROWS[0], {key: value for key, value in {**ROWS[1], **changes}.items() if value is not ...}])


MAP_ID = {"columns": ColumnMapping(id="name")}
REFUSALS = [
    Refusal("empty", "an empty file", "data.jsonl: the data file is empty; write one JSON object a line.", b"\n \n"),
    Refusal(
        "not json",
        "a line that is not JSON",
        "data.jsonl:2: the line is not JSON (Expecting value, column 1); write one JSON object a line.",
        jsonl(ROWS[:1]) + b"prompt,answer\n",
    ),
    Refusal(
        "cut",
        "a file cut short",
        "data.jsonl:1: the line is not JSON (Unterminated string starting at, column 30); write one JSON object "
        "a line.",
        jsonl(ROWS)[:30],
    ),
    Refusal(
        "list",
        "a line that is a list",
        'data.jsonl:1: the line is ["a"], not a JSON object; write {"prompt": …, "answer": …}.',
        b'["a"]\n',
    ),
    Refusal(
        "nan",
        "NaN",
        "data.jsonl:2: the line is not JSON (NaN is no JSON number); correct the row.",
        row(answer=float("nan")),
    ),
    Refusal(
        "deep",
        "a row nested 100,000 deep",
        "data.jsonl:1: the JSON is nested too deeply; flatten the row.",
        b'{"prompt": ' + b"[" * 100_000,
    ),
    Refusal(
        "digits",
        "a number of 5,000 digits",
        "data.jsonl:1: the line is not JSON (a number has too many digits); correct the row.",
        b'{"prompt": "a", "answer": ' + b"9" * 5000 + b"}\n",
    ),
    Refusal(
        "duplicate key",
        "a column twice in a row",
        "data.jsonl:1: the line is not JSON (the key `answer` stands there twice); correct the row.",
        b'{"prompt": "a", "answer": "1", "answer": "2"}\n',
    ),
    Refusal(
        "nul",
        "a binary file",
        "data.jsonl:1: the line holds NUL bytes; give a text file in JSONL, not a binary one.",
        b"PK\x03\x04\x00\x00\n",
    ),
    Refusal(
        "latin-1",
        "Latin-1",
        "data.jsonl:2: byte 13 of the line (0xbd) is not UTF-8; save the file as UTF-8.",
        row(prompt="½").decode().encode("latin-1"),
    ),
    Refusal(
        "utf-16", "UTF-16", "data.jsonl:1: the file is UTF-16; save it as UTF-8.", jsonl(ROWS).decode().encode("utf-16")
    ),
    Refusal(
        "surrogate",
        "half a surrogate pair",
        "data.jsonl:1: the text in `prompt` holds half a surrogate pair, which is no character; write whole "
        "characters.",
        b'{"prompt": "\\ud83d", "answer": "1"}\n',
    ),
    Refusal(
        "no prompt",
        "a row without prompt",
        "data.jsonl:2: the prompt is missing: there is no column `prompt`; add it, or set `columns.prompt` to "
        "one of answer.",
        row(prompt=...),
    ),
    Refusal(
        "near prompt",
        "a column spelled otherwise",
        "data.jsonl:1: the prompt is missing: there is no column `prompt`; add it, or set `columns.prompt` to "
        "`prompts`.",
        jsonl([{"prompts": "a", "answer": "1"}]),
    ),
    Refusal(
        "prompt type",
        "a number as prompt",
        "data.jsonl:2: the prompt in `prompt` is 5; write a text or a list of messages.",
        row(prompt=5),
    ),
    Refusal(
        "blank prompt",
        "a blank prompt",
        "data.jsonl:2: the prompt in `prompt` is empty; write it, or remove the row.",
        row(prompt=" \n"),
    ),
    Refusal(
        "no messages",
        "a prompt without messages",
        "data.jsonl:2: the prompt in `prompt` is an empty list; let it end with a message of `user`.",
        row(prompt=[]),
    ),
    Refusal(
        "assistant last",
        "a chat that ends with the assistant",
        "data.jsonl:2: the prompt in `prompt` ends with a message of `assistant`; let it end with a message of `user`.",
        row(prompt=[{"role": "assistant", "content": "a"}]),
    ),
    Refusal(
        "message",
        "a message without content",
        'data.jsonl:2: the message {"role": "user"} in `prompt` is none; write {"role": "user", "content": …}; '
        "roles are system, user and assistant.",
        row(prompt=[{"role": "user"}]),
    ),
    Refusal(
        "role",
        "a message of an unknown role",
        'data.jsonl:2: the message {"role": "human", "content": "a"} in `prompt` is none; write {"role": "user", '
        '"content": …}; roles are system, user and assistant.',
        row(prompt=[{"role": "human", "content": "a"}]),
    ),
    Refusal(
        "no answer",
        "a row without answer",
        "data.jsonl:2: the answer is missing: there is no column `answer`; add it, or set `columns.answer` to "
        "one of prompt.",
        row(answer=...),
    ),
    Refusal(
        "null answer",
        "a null answer",
        "data.jsonl:2: the answer in `answer` is null; give the answer or remove the row.",
        row(answer=None),
    ),
    Refusal(
        "blank answer",
        "a blank answer",
        "data.jsonl:2: the answer in `answer` is empty; write it, or remove the row.",
        row(answer=""),
    ),
    Refusal(
        "answer type",
        "true as answer",
        "data.jsonl:2: the answer in `answer` is true, not a text; write a text.",
        row(answer=True),
    ),
    Refusal(
        "blank demonstration",
        "a blank demonstration",
        "data.jsonl:2: the demonstration in `demonstration` is empty; write null where there is none.",
        row(demonstration=""),
    ),
    Refusal(
        "demonstration type",
        "a number as demonstration",
        "data.jsonl:2: the demonstration in `demonstration` is 1, not a text; write a text.",
        row(demonstration=1),
    ),
    Refusal(
        "two demonstrations",
        "two demonstrations in a row",
        "data.jsonl:2: the demonstration in `demonstration` has 2 messages of `assistant`; give exactly one.",
        row(demonstration=[{"role": "assistant", "content": "a"}] * 2),
    ),
    Refusal(
        "duplicate id",
        "an id twice",
        "data.jsonl:3: the id `a` was already at data.jsonl:1; give each row its own id.",
        jsonl([{**ROWS[0], "name": name} for name in "aba"]),
        options=MAP_ID,
    ),
    Refusal(
        "no id",
        "a row without id",
        "data.jsonl:1: the id is missing: there is no column `name`; add it, or set `columns.id` to one of "
        "prompt, answer, demonstration, level.",
        jsonl(ROWS),
        options=MAP_ID,
    ),
    Refusal(
        "long id",
        "an id of 300 characters",
        "data.jsonl:1: the id in `name` is longer than 200 characters; shorten it.",
        jsonl([{**ROWS[0], "name": "x" * 300}]),
        options=MAP_ID,
    ),
    Refusal(
        "demonstration column",
        "a demonstration column that no row has",
        "data.jsonl: no row has the column `solution`, which the mapping names for demonstrations; correct "
        "`columns.demonstration`, or set it to null.",
        jsonl(ROWS),
        options={"columns": ColumnMapping(demonstration="solution")},
    ),
    Refusal(
        "ending",
        "a CSV file",
        "data.csv: the data file's ending is .csv; give a .jsonl or .parquet file, or a data set folder.",
        b"a,b\n",
        "data.csv",
    ),
    Refusal(
        "parquet",
        "a file that is not parquet",
        "data.parquet: the file cannot be read as parquet (Parquet magic bytes not found in footer. Either the "
        "file is corrupted or this is not a parquet file); write it again, or give the whole file.",
        b"PAR1 and then nothing of the kind",
        "data.parquet",
    ),
]


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.name)
def test_refuses(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(case.file).write_bytes(case.content)
    with pytest.raises(InputError) as caught:
        read(tmp_path, case.file, **case.options)
    assert str(caught.value) == case.sentence
    record("data", case.given, str(caught.value))


def test_refuses_what_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "other.parquet").write_bytes(b"")
    parquet.write_table(pyarrow.table({"prompt": pyarrow.array([], pyarrow.string())}), "none.parquet")
    sentences = {
        "absent.jsonl": (
            "a missing file",
            "absent.jsonl: there is no such data file or folder; correct the path of the data.",
        ),
        "set": (
            "a folder without the split",
            "set: no .parquet or .jsonl file in the folder begins with the split `train` (there: other.parquet); "
            "correct the split, or name one file.",
        ),
        "none.parquet": ("parquet without rows", "none.parquet: the data file has no rows; give a file with problems."),
    }
    for name, (given, sentence) in sentences.items():
        with pytest.raises(InputError) as caught:
            read(tmp_path, name)
        assert str(caught.value) == sentence
        record("data", given, sentence)


def test_offline_hub(tmp_path, monkeypatch):
    import datasets

    def no_network(*_, **__):
        raise ConnectionError("Couldn't reach 'someone/something' on the Hub (OfflineModeIsEnabled)\nlong story")

    monkeypatch.setattr(datasets, "load_dataset", no_network)
    with pytest.raises(InputError) as caught:
        read(tmp_path, "someone/something")
    assert str(caught.value) == (
        "someone/something: there is no such folder here, and the data set cannot be fetched from the Hub "
        "(Couldn't reach 'someone/something' on the Hub (OfflineModeIsEnabled)); "
        "correct the path, the split or the connection."
    )
    record("data", "a Hub id without network", str(caught.value))


def test_answers_may_be_missing_when_no_reward_needs_them(tmp_path):
    rows = [{"prompt": "a"}, {"prompt": "b", "answer": None}, {"prompt": "c", "answer": "1"}]
    (tmp_path / "data.jsonl").write_bytes(jsonl(rows))
    problems = read_problems(DataConfig(path="data.jsonl"), tmp_path, answer_required=False)
    assert [problem.answer for problem in problems] == [None, None, "1"]


def test_method_without_demonstrations_is_refused(tmp_path):
    from srft.config import PromptConfig

    (tmp_path / "data.jsonl").write_bytes(jsonl(ROWS))
    problems = load_problems(DataConfig(path="data.jsonl"), PromptConfig(), byte_level(), tmp_path, 64)
    require_demonstrations(problems, "data.jsonl", "sft")
    with pytest.raises(InputError) as caught:
        require_demonstrations(problems[1:], "data.jsonl", "sft")
    assert str(caught.value) == (
        "data.jsonl: none of the 2 problems has a demonstration, and the method `sft` needs some; add demonstrations, "
        "correct `data.columns.demonstration`, or choose the method `grpo`."
    )
    record("data", "no demonstrations for a method that learns from them", str(caught.value))

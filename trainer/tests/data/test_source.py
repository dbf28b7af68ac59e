"""Reading data sets: JSONL, parquet, folders, and the sentence for every row that is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from srft.config import ColumnMapping, DataConfig
from srft.data import load_problems, require_demonstrations
from srft.data.places import line_of_place
from srft.data.problems import read_problems
from srft.errors import InputError
from tests.data.row_refusals import REFUSALS, ROWS, jsonl
from tests.data.small_tokenizers import byte_level
from tests.error_table import record


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
    assert line_of_place("C:\\a:b.jsonl:4") == ("C:\\a:b.jsonl", 4)
    assert line_of_place("data.parquet, row 4") is None


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

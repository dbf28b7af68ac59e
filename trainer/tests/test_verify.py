"""`srft verify`: lines in, verdicts out, and a bad line answered without ending the rest."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from srft.recipe import load_recipe
from srft.verify import run_verify
from tests.error_table import record

RIGHT = "<think>\n1+1=2\n</think>\n\\boxed{2}"


def verify(tmp_path, *lines: bytes | str, reward=None, data=({"prompt": "1+1?", "answer": "2"},)):
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in data))
    recipe = {
        "model": {"path": "m"},
        "data": {"path": "data.jsonl"},
        "reward": reward or {"parts": [{"kind": "exact"}]},
    }
    path = tmp_path / "recipe.srft.json"
    path.write_text(json.dumps(recipe))
    output = io.StringIO()
    encoded = [line if isinstance(line, bytes) else line.encode() for line in lines]
    run_verify(load_recipe(path), [line + b"\n" for line in encoded], output)
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_a_verdict_for_every_line(tmp_path):
    replies = verify(
        tmp_path,
        json.dumps({"id": "a", "answer": "2", "response": RIGHT}),
        json.dumps({"id": 7, "answer": "3", "response": RIGHT}),
        "",
        json.dumps({"id": "b", "answer": "2", "response": RIGHT, "ended": False}),
    )
    assert replies == [
        {"id": "a", "reward": 1.0, "parts": {"format": 1.0, "exact": 1.0}, "correct": True, "note": None},
        {"id": 7, "reward": 0.0, "parts": {"format": 1.0, "exact": 0.0}, "correct": False, "note": None},
        {"id": "b", "reward": 0.0, "parts": {"format": 0.0, "exact": 0.0}, "correct": False, "note": "form: not ended"},
    ]


def test_opened_tag_is_taken_or_guessed(tmp_path):
    tail = "1+1=2</think>\\boxed{2}"
    lines = [{"response": tail}, {"response": tail, "opened_tag": True}, {"response": tail, "opened_tag": False}]
    lines += [{"response": RIGHT}, {"response": RIGHT, "opened_tag": True}]
    replies = verify(tmp_path, *(json.dumps({"id": "a", "answer": "2", **line}) for line in lines))
    assert [reply["reward"] for reply in replies] == [1.0, 1.0, 0.0, 1.0, 0.0]


def test_answers_come_from_the_recipes_data(tmp_path):
    lines = (
        {"id": 1, "response": RIGHT},
        {"id": "1", "response": RIGHT.replace("{2}", "{3}")},
        {"id": "2", "response": RIGHT},
    )
    replies = verify(tmp_path, *map(json.dumps, lines))
    assert [reply.get("reward") for reply in replies] == [1.0, 0.0, None]
    sentence = (
        "there is no `answer`, and no problem of the recipe has the id `2`; "
        "give the answer, or an id of the recipe's data"
    )
    assert replies[2] == {"error": sentence, "line": 3}
    record("verify, which goes on", "an unknown id without answer", sentence)


def test_user_functions_get_prompt_and_row(tmp_path):
    (tmp_path / "reward.py").write_text(
        "def score(prompt, response, answer, row):\n    return prompt == 'q' and row == {'a': 1} and answer is None\n"
    )
    line = json.dumps({"id": "a", "prompt": "q", "row": {"a": 1}, "response": RIGHT})
    reward = {"parts": [{"kind": "python", "path": "reward.py"}]}
    assert verify(tmp_path, line, reward=reward)[0]["reward"] == 1.0


def test_overlong_penalty(tmp_path):
    line = json.dumps({"id": "a", "answer": "2", "response": RIGHT, "length": 90, "max_tokens": 100})
    reward = {"parts": [{"kind": "exact"}], "overlong_buffer": 20}
    assert verify(tmp_path, line, reward=reward)[0]["reward"] == 0.5


BAD = {
    "a line that is not JSON": (b"hello", "Invalid JSON"),
    "a line without response": (b'{"id": "a"}', "`response`: Field required"),
    "a line with a wrong type": (b'{"id": "a", "response": 5}', "`response`: Input should be a valid string"),
    "a line with an unknown key": (b'{"id": "a", "response": "", "anwser": "1"}', "`anwser`: Extra inputs"),
    "a line that is not UTF-8": (b'{"id": "\xff", "response": ""}', "the line is not UTF-8"),
    "a line with NUL": (b'{"id": "a",\x00', "Invalid JSON"),
}


def test_bad_lines_are_answered_and_the_rest_goes_on(tmp_path):
    good = json.dumps({"id": "a", "answer": "2", "response": RIGHT}).encode()
    lines = [part for bad, _ in BAD.values() for part in (bad, good)]
    replies = verify(tmp_path, *lines)
    assert [reply["reward"] for reply in replies[1::2]] == [1.0] * len(BAD)
    for number, (given, (_, beginning)) in enumerate(BAD.items()):
        reply = replies[2 * number]
        assert reply["line"] == 2 * number + 1
        assert reply["error"].startswith(beginning), reply
        record("verify, which goes on", given, reply["error"])


# ---------------------------------------------------------------- for a debugger

SLOW = """
import sys, time
from functools import wraps
from beside import LIMIT

def logged(function):
    @wraps(function)
    def inner(*given):
        return function(*given)
    return inner

@logged
def score(
    prompt,
    response,
    answer,
    row,
):
    "A docstring is no statement."
    print("seen", LIMIT)
    if row["seconds"] is None:
        raise KeyError("seconds")
    time.sleep(row["seconds"])
    return {"same": "srft.verify" in sys.modules, "half": row["half"] == "0.5"}
"""
FIRST_LINE = 1 + SLOW.splitlines().index('    print("seen", LIMIT)')


def slow_recipe(folder, source=SLOW, function="score"):
    (folder / "reward.py").write_text(source)
    (folder / "beside.py").write_text("LIMIT = 7\n")
    part = {"kind": "python", "path": "reward.py", "function": function, "timeout_seconds": 0.2}
    recipe = {
        "model": {"path": "m"},
        "data": {"path": "data.jsonl"},
        "reward": {"parts": [part], "correct_at": 1},
    }
    (folder / "recipe.srft.json").write_text(json.dumps(recipe))
    return folder / "recipe.srft.json"


def srft(*arguments, given=""):
    command = [sys.executable, "-m", "srft.cli", "verify", *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=120)


def test_in_process_is_the_same_without_a_time_limit(tmp_path):
    rows = [{"seconds": 0.5, "half": 0.5}, {"seconds": None}, {"seconds": 0, "half": "0.5"}]
    lines = [json.dumps({"id": "a", "response": RIGHT, "row": row}) for row in rows]
    (tmp_path / "requests.jsonl").write_text("\n".join(lines))
    recipe = slow_recipe(tmp_path)
    apart, within = (srft(recipe, "--input", tmp_path / "requests.jsonl", *more) for more in ([], ["--in-process"]))
    first, *others = (json.loads(line) for line in apart.stdout.splitlines())
    assert first["note"] == "timeout"
    replies = [json.loads(line) for line in within.stdout.splitlines()]
    assert [reply["note"] for reply in replies] == [None, "error: KeyError: 'seconds'", None]
    assert [reply["note"] for reply in others] == [reply["note"] for reply in replies[1:]]
    assert [reply["parts"].get("python.half") for reply in replies] == [0.0, None, 1.0]
    assert [reply["parts"].get("python.same") for reply in replies] == [1.0, None, 1.0]
    assert others[1]["parts"]["python.same"] == 0.0
    assert within.stderr.count("seen 7\n") == 3, "what it prints is no verdict"
    assert "KeyError: 'seconds'" in within.stderr


def test_where_names_the_first_statement(tmp_path):
    answer = srft(slow_recipe(tmp_path), "--where")
    assert json.loads(answer.stdout) == {"file": str(tmp_path / "reward.py"), "line": FIRST_LINE}


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("def score(*given): return 1\n", 1),
        ("from beside import score\n", 2),
        ("class Scorer:\n    def __call__(self, *given):\n        return 1\nscore = Scorer()\n", 3),
    ],
)
def test_where_follows_imports_and_objects(source, line, tmp_path):
    recipe = slow_recipe(tmp_path, source)
    (tmp_path / "beside.py").write_text("def score(*given):\n    return 1\n")
    file = tmp_path / ("beside.py" if "import" in source else "reward.py")
    assert json.loads(srft(recipe, "--where").stdout) == {"file": str(file), "line": line}


def test_where_and_input_refuse_in_one_sentence(tmp_path):
    answer = srft(slow_recipe(tmp_path, "score = len\n"), "--where")
    assert answer.returncode == 2
    assert "`score` is not written in Python" in answer.stderr
    answer = srft(tmp_path / "recipe.srft.json", "--input", tmp_path / "absent.jsonl")
    assert answer.returncode == 2
    assert "the requests cannot be read (No such file or directory); correct `--input`" in answer.stderr

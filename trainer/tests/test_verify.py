"""`srft verify`: lines in, verdicts out, and a bad line answered without ending the rest."""

from __future__ import annotations

import io
import json

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

"""The judge as a whole, with its real worker processes: sums, faults, and what a user's function may do wrong."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import srft
from srft.config import ExactReward, MathReward, PythonReward, RegexReward, RewardConfig, StepsReward
from srft.errors import InputError
from srft.rewards import Judge, Response, needs_answer
from srft.rewards.worker import Worker
from srft.rows import Problem
from tests.error_table import record

RIGHT = "<think>\n85-3=82\n82-3=79\n</think>\n\\boxed{79}"
WRONG = "<think>\n85-3=82\n82-3=78\n</think>\n\\boxed{78}"


def response(
    text: str = RIGHT, answer: str | None = "79", ended: bool = True, length=None, limit=None, **columns
) -> Response:
    problem = Problem(
        id="1",
        prompt_text="",
        prompt_ids=(),
        answer=answer,
        question="85-3-3?",
        opened_tag="<think>" not in text,
        columns=columns,
    )
    return Response(problem=problem, text=text, ended=ended, length_tokens=length, max_tokens=limit)


def judged(tmp_path: Path, reward: RewardConfig, *responses: Response):
    with Judge(reward, tmp_path) as judge:
        return judge.score(responses)


# ---------------------------------------------------------------- sums, without processes


def test_reward_is_the_weighted_sum_of_its_parts(tmp_path):
    reward = RewardConfig(parts=(ExactReward(weight=0.75), StepsReward(name="chain", weight=0.25)))
    right, wrong = judged(tmp_path, reward, response(), response(WRONG))
    assert (right.reward, right.correct, right.note) == (1.0, True, None)
    assert dict(right.parts) == {"format": 1.0, "exact": 1.0, "chain": 1.0}
    assert (wrong.reward, wrong.correct) == (0.125, False)
    assert dict(wrong.parts) == {"format": 1.0, "exact": 0.0, "chain": 0.5}


def test_a_broken_form_scores_nothing(tmp_path):
    (verdict,) = judged(tmp_path, RewardConfig(parts=(ExactReward(), StepsReward(weight=0))), response(ended=False))
    assert (verdict.reward, verdict.correct, verdict.note) == (0.0, False, "form: not ended")
    assert dict(verdict.parts) == {"format": 0.0, "exact": 0.0, "steps": 0.0}


def test_a_broken_form_is_never_right(tmp_path):
    responses = [response(WRONG), response(WRONG, ended=False)]
    assert [verdict.correct for verdict in judged(tmp_path, RewardConfig(correct_at=0.0), *responses)] == [True, False]


def test_without_a_gate_there_is_no_form(tmp_path):
    (verdict,) = judged(tmp_path, RewardConfig(gate=None), response("\\boxed{79}", ended=False))
    assert (verdict.reward, verdict.correct, dict(verdict.parts)) == (1.0, True, {"exact": 1.0})


def test_weights_that_sum_to_almost_one_reach_one(tmp_path):
    weights = (0.7, 0.2, 0.1)
    assert weights[0] + weights[1] + weights[2] < 1.0  # sum() itself is exact from Python 3.12 on
    parts = tuple(ExactReward(name=name, weight=weight) for name, weight in zip("abc", weights, strict=True))
    assert judged(tmp_path, RewardConfig(parts=parts), response())[0].correct


@pytest.mark.parametrize(
    ("text", "length", "ended", "reward", "correct"),
    [
        (RIGHT, 60, True, 1.0, True),
        (RIGHT, 80, True, 0.5, True),
        (RIGHT, 100, False, -1.0, False),
        (WRONG, 80, True, -0.5, False),
    ],
)
def test_overlong_penalty_lowers_reward_and_leaves_correctness(text, length, ended, reward, correct, tmp_path):
    config = RewardConfig(overlong_buffer=40)
    (verdict,) = judged(tmp_path, config, response(text, length=length, limit=100, ended=ended))
    assert (verdict.reward, verdict.correct) == (reward, correct)
    assert verdict.parts["overlong"] == (length - 60) / -40


def test_no_limit_no_penalty(tmp_path):
    (verdict,) = judged(tmp_path, RewardConfig(overlong_buffer=40), response(length=100))
    assert (verdict.reward, "overlong" in verdict.parts) == (1.0, False)


def test_a_batch_is_quick(tmp_path):
    """It happens each step: 128 answers of the demo in under 5 ms, the quickest of many tries on a busy machine."""
    batch = [response(), response(WRONG)] * 64
    with Judge(RewardConfig(parts=(ExactReward(), StepsReward(weight=0))), tmp_path) as judge:

        def seconds() -> float:
            began = time.perf_counter()
            judge.score(batch)
            return time.perf_counter() - began

        assert min(seconds() for _ in range(20)) < 0.005


@pytest.mark.parametrize(
    ("part", "needed"),
    [
        (ExactReward(), True),
        (MathReward(), True),
        (RegexReward(pattern="a"), True),
        (RegexReward(pattern="a", match_only=True), False),
        (StepsReward(), False),
        (PythonReward(path="a.py"), False),
    ],
)
def test_who_needs_an_answer(part, needed):
    assert needs_answer(RewardConfig(parts=(part,))) == needed


# ---------------------------------------------------------------- regex and math


@pytest.mark.parametrize(
    ("pattern", "match_only", "text", "value"),
    [
        (r"answer: (?P<answer>\d+)", False, "<think></think>answer: 5, answer: 79", 1.0),
        (r"answer: (?P<answer>\d+)", False, "<think></think>answer: 79, answer: 5", 0.0),
        (r"\d+", False, "<think>1</think>79", 1.0),
        (r"\d+", False, "<think></think>none", 0.0),
        (r"(?P<answer>x)?79", False, "<think></think>79", 0.0),
        (r"(?i)HENCE", True, "<think>hence</think>5", 1.0),
        (r"(?i)HENCE", True, "<think></think>5", 0.0),
    ],
)
def test_regex(pattern, match_only, text, value, tmp_path):
    reward = RewardConfig(parts=(RegexReward(pattern=pattern, match_only=match_only),))
    assert judged(tmp_path, reward, response(text))[0].reward == value


def test_math_and_regex_that_hang_are_ended_named_and_counted(tmp_path):
    """Also: answers that are equal in mathematics, and those that are not, before and after the hang."""
    equal = [
        ("\\boxed{0.5}", r"\frac{1}{2}"),
        ("\\boxed{x^2+2x+1}", "(x+1)^2"),
        ("it is $79$", "79"),
        ("\\boxed{79.0}", "79"),
    ]
    unequal = [
        ("\\boxed{78}", "79"),
        ("\\boxed{\\text{none}}", "79"),
        ("", "79"),
        ("\\boxed{\\frac{}{}}", "79"),
        ("\\boxed{79}", "$$"),
    ]
    tower = "\\boxed{" + "9^{" * 5 + "9" + "}" * 5 + "}"
    parts = (
        MathReward(timeout_seconds=1.5),
        RegexReward(name="evil", weight=0.0, pattern=r"(a+)+$", match_only=True, timeout_seconds=0.3),
    )
    with Judge(RewardConfig(parts=parts, gate=None), tmp_path) as judge:
        judge.score([response("\\boxed{1}", "1")])
        assert [judge.score([response(text, answer)])[0].reward for text, answer in equal] == [1.0] * len(equal)
        assert [judge.score([response(text, answer)])[0].reward for text, answer in unequal] == [0.0] * len(unequal)
        assert not judge.faults
        began = time.monotonic()
        (hung,) = judge.score([response("a" * 50 + "b" + tower, "79")])
        assert time.monotonic() - began < 30
        assert (hung.reward, hung.note) == (0.0, "timeout (math); timeout (evil)")
        assert judge.faults == {"math/timeout": 1, "evil/timeout": 1}
        assert judge.score([response("\\boxed{79}")])[0].reward == 1.0
        record("reward, in a run that goes on", "a math check that hangs", "timeout")


# ---------------------------------------------------------------- a user's function


def write(tmp_path: Path, body: str, name: str = "reward.py") -> Path:
    path = tmp_path / name
    path.write_text(textwrap.dedent(body))
    return path


def test_python_gets_everything_and_may_print(tmp_path):
    write(tmp_path, "LIMIT = 0.25\n", "beside.py")
    write(
        tmp_path,
        """
        import os, sys
        from beside import LIMIT
        def score(prompt, response, answer, row):
            print("{}")
            sys.stdout.write("noise without end of line")
            os.write(1, b'{"value": 7}\\n')
            assert sys.stdin.read() == ""
            seen = (prompt, response.count("="), answer, row["level"], row["missing"], str(row["half"]))
            return {"seen": seen == ("85-3-3?", 2, "79", 3, None, "nan"), "limit": LIMIT}
        """,
    )
    reward = RewardConfig(parts=(PythonReward(path="reward.py", name="mine", weight=2.0),), correct_at=2.5)
    with Judge(reward, tmp_path) as judge:
        verdicts = judge.score([response(level=3, missing=None, half=float("nan"))] * 3)
        assert list(judge.code_hashes) == ["reward.py"]
    assert [verdict.reward for verdict in verdicts] == [2.5] * 3
    assert dict(verdicts[0].parts) == {"format": 1.0, "mine": 1.25, "mine.seen": 1.0, "mine.limit": 0.25}
    assert verdicts[0].correct and verdicts[0].note is None


FAULTS = {
    "a reward that raises": ("raise KeyError('x')", "error: KeyError: 'x'"),
    "a reward that returns nothing": ("return None", "error: TypeError: it returned NoneType, not a number"),
    "a reward that returns NaN": ("return float('nan')", "error: ValueError: it returned nan"),
    "a reward that returns infinity": ("return {'a': -float('inf')}", "error: ValueError: part a returned -inf"),
    "a reward that returns a text": ("return '1'", "error: TypeError: it returned str, not a number"),
    "a reward that returns a list": ("return [1]", "error: TypeError: it returned list, not a number"),
    "a reward with keys that are no texts": (
        "return {1: 1}",
        "error: ValueError: a dict of rewards has at most 32 short text keys",
    ),
    "a reward that exits": ("raise SystemExit(3)", "error: SystemExit: 3"),
    "a reward that ends its process": ("import os; os._exit(7)", "error: the process ended with code 7"),
    "a reward that recurses without end": (
        "return score(prompt, response, answer, row)",
        "error: RecursionError: maximum recursion depth exceeded",
    ),
    "a reward that hangs": ("import time; time.sleep(600)", "timeout"),
    "a reward that never gives up the interpreter": ("import re; re.search('(a+)+$', 'a' * 60 + 'b')", "timeout"),
}


def test_python_that_fails_scores_zero_and_the_next_call_works(tmp_path):
    """One judge lives through all faults, with a good call after each."""
    branches = "".join(f"    if row['fault'] == {name!r}:\n        {body}\n" for name, (body, _) in FAULTS.items())
    write(tmp_path, f"def score(prompt, response, answer, row):\n{branches}    return 1\n")
    reward = RewardConfig(parts=(PythonReward(path="reward.py", timeout_seconds=1.0),))
    with Judge(reward, tmp_path) as judge:
        for name, (_, note) in FAULTS.items():
            bad, good = judge.score([response(fault=name), response(fault="")])
            assert (bad.reward, bad.correct) == (0.0, False)
            assert bad.note is not None and bad.note.startswith(note), name
            assert (good.reward, good.note) == (1.0, None), name
            record("reward, in a run that goes on", name, bad.note)
        hangs = sum(note == "timeout" for _, note in FAULTS.values())
        assert judge.faults == {"python/timeout": hangs, "python/error": len(FAULTS) - hangs}


def test_a_late_reply_never_answers_the_next_request(tmp_path):
    write(
        tmp_path,
        """
        import time
        def score(prompt, response, answer, row):
            time.sleep(row["seconds"])
            return row["value"]
        """,
    )
    with Judge(RewardConfig(parts=(PythonReward(path="reward.py", timeout_seconds=20.0),)), tmp_path) as judge:
        worker = judge._workers["python"]
        assert isinstance(worker, Worker)
        whole, worker._receive = worker._receive, interrupted
        with pytest.raises(KeyboardInterrupt):
            judge.score([response(seconds=0.2, value=1)])
        worker._receive = whole
        assert judge.score([response(seconds=0.3, value=2)])[0].reward == 2.0


def interrupted(limit_seconds: float):
    raise KeyboardInterrupt


def test_a_part_that_fails_leaves_the_others(tmp_path):
    write(tmp_path, "def score(prompt, response, answer, row): raise ValueError\n")
    (verdict,) = judged(tmp_path, RewardConfig(parts=(ExactReward(), PythonReward(path="reward.py"))), response())
    assert (verdict.reward, verdict.note) == (1.0, "error: ValueError (python)")


UNUSABLE = [
    (
        "a missing file",
        None,
        "reward.py: the reward's file cannot be read (No such file or directory); correct `reward.parts.0.path`.",
    ),
    (
        "a file with a syntax error",
        "def score(:\n",
        "reward.py: the reward's function `score` cannot be loaded (SyntaxError: invalid syntax (reward.py, line "
        "1)); let the file define `def score(prompt, response, answer, row)`.",
    ),
    (
        "a file that raises",
        "raise RuntimeError('no licence')\n",
        "reward.py: the reward's function `score` cannot be loaded (RuntimeError: no licence); let the file "
        "define `def score(prompt, response, answer, row)`.",
    ),
    (
        "a file that exits",
        "import sys; sys.exit(1)\n",
        "reward.py: the reward's function `score` cannot be loaded (SystemExit: 1); let the file define `def "
        "score(prompt, response, answer, row)`.",
    ),
    (
        "a module it needs is missing",
        "import absent_module\n",
        "reward.py: the reward's function `score` cannot be loaded (ModuleNotFoundError: No module named "
        "'absent_module'); let the file define `def score(prompt, response, answer, row)`.",
    ),
    (
        "a file without the function",
        "def grade(): ...\n",
        "reward.py: the reward's function `score` cannot be loaded (AttributeError: it has no function `score`); "
        "let the file define `def score(prompt, response, answer, row)`.",
    ),
]


@pytest.mark.parametrize(("given", "body", "sentence"), UNUSABLE, ids=[given for given, _, _ in UNUSABLE])
def test_a_file_that_cannot_be_used_is_refused_at_the_start(given, body, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if body is not None:
        write(tmp_path, body)
    with pytest.raises(InputError) as caught:
        Judge(RewardConfig(parts=(PythonReward(path="reward.py"),)), tmp_path)
    assert str(caught.value) == sentence
    record("reward", given, sentence)


def test_a_wrong_pattern_is_refused(tmp_path):
    with pytest.raises(InputError) as caught:
        Judge(RewardConfig(parts=(ExactReward(), RegexReward(pattern="(a"))), tmp_path)
    expected = (
        "reward.parts.1.pattern: the pattern is no regular expression (missing ), unterminated subpattern at position "
        "0); correct it; in JSON a backslash is written twice."
    )
    assert str(caught.value) == expected
    record("reward", "a pattern that is no regular expression", expected)


# ---------------------------------------------------------------- processes end


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


def wait_until_gone(pids, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(alive, pids))


posix = pytest.mark.skipif(sys.platform == "win32", reason="looks for processes in the POSIX way")


@posix
def test_workers_end_with_the_judge(tmp_path):
    write(tmp_path, "def score(prompt, response, answer, row): return 1\n")
    reward = RewardConfig(parts=(PythonReward(path="reward.py"), RegexReward(pattern="a")))
    with Judge(reward, tmp_path) as judge:
        judge.score([response()])
        workers = itertools.chain(judge._workers.values(), judge._checks.values())
        pids = [worker._process.pid for worker in workers if isinstance(worker, Worker)]
        assert len(pids) == 2 and all(map(alive, pids))
    assert wait_until_gone(pids, 5)


@posix
@pytest.mark.parametrize("hanging", [False, True])
def test_workers_end_when_the_trainer_is_killed(hanging, tmp_path):
    """SIGKILL closes the pipes; a worker that hangs without giving up the interpreter is ended by its own watchdog."""
    evil = "import re; re.search('(a+)+$', 'a' * 60 + 'b')" if hanging else "return 1"
    write(
        tmp_path,
        f"import os\ndef score(prompt, response, answer, row):\n    open('pid', 'w').write(str(os.getpid()))\n    "
        f"{evil}\n",
    )
    program = f"""
import sys
sys.path.insert(0, {str(Path(srft.__file__).parent.parent)!r})
from pathlib import Path
from srft.config import PythonReward, RewardConfig
from srft.rewards import Judge, Response
from srft.rows import Problem
problem = Problem(id="1", prompt_text="", prompt_ids=(), answer="1", question="", opened_tag=True)
part = PythonReward(path="reward.py", timeout_seconds=0.5 if {hanging} else 60)
judge = Judge(RewardConfig(parts=(part,)), Path("."))
judge._workers["python"]._receive = lambda limit: sys.stdin.read()  # the trainer waits, and is killed
judge.score([Response(problem=problem, text="</think>1", ended=True)])
"""
    trainer = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stdin=subprocess.PIPE)
    marker, deadline = tmp_path / "pid", time.monotonic() + 60
    while not (marker.exists() and marker.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    pid = int(marker.read_text())
    assert alive(pid)
    trainer.kill()
    trainer.wait()
    assert wait_until_gone([pid], 20)

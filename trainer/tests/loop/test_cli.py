"""The command line: exit codes 0, 1 and 2, one sentence for each mistake, JSON where a program reads."""

from __future__ import annotations

import ast
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

import srft
from srft.cli import main
from srft.config import ModelConfig
from srft.engine.policy import load_policy
from srft.errors import InputError
from srft.run_directory.fold import comparable_run
from srft.schema import schemas
from tests.error_table import record
from tests.loop.runs import TRAINER, end_of, events, train_here, wait_for

RUN = Path("run")
SHORT = ("--set", "training.steps=2", "--set", "evaluation=null")
pytestmark = pytest.mark.usefixtures("in_recipe_folder")


@pytest.fixture(scope="module")
def _finished_master(_toy_master, tmp_path_factory):
    """A finished run of two steps beside its recipe, made once."""
    folder = tmp_path_factory.mktemp("finished")
    shutil.copytree(_toy_master.parent, folder / "toy")
    train_here(folder / "toy" / _toy_master.name, folder / "toy" / "run", training__steps=2, evaluation=None)
    return folder / "toy" / "run"


@pytest.fixture
def finished(_finished_master):
    """A copy of it where the tests work."""
    shutil.copytree(_finished_master, RUN)
    return RUN


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout, stderr of `srft ARGUMENTS` in this process."""
    capsys.readouterr()
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as ended:
        code = int(ended.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def occupied() -> None:
    Path("full").mkdir()
    (Path("full") / "notes.txt").write_text("mine")


def without_state() -> None:
    shutil.rmtree(RUN / "checkpoints" / "step-000002" / "trainer_state")
    cut_end()


def cut_end() -> None:
    """The run's `ended` event was not written."""
    lines = (RUN / "events.jsonl").read_bytes().splitlines(keepends=True)
    (RUN / "events.jsonl").write_bytes(b"".join(lines[:-1]))


def move_recipe() -> None:
    RUN.rename("moved")
    manifest = json.loads(Path("moved/run.json").read_text())
    Path("moved/run.json").write_text(json.dumps(manifest | {"recipe_file": "../gone/toy.srft.json"}))
    cut_end_of_moved()


def cut_end_of_moved() -> None:
    lines = Path("moved/events.jsonl").read_bytes().splitlines(keepends=True)
    Path("moved/events.jsonl").write_bytes(b"".join(lines[:-1]))


def newer_format() -> None:
    manifest = json.loads((RUN / "run.json").read_text())
    (RUN / "run.json").write_text(json.dumps(manifest | {"format": "2.0"}))


TRAIN = ("train", "toy.srft.json")
REFUSED: dict[str, tuple[Callable[[], Any] | None, tuple[str, ...], str]] = {
    "train without a recipe": (None, ("train",), "command line: no recipe is named; name a .srft.json file."),
    "a recipe that is not there": (None, ("train", "no.srft.json"), "no.srft.json: there is no such file; "),
    "--set without a value": (None, (*TRAIN, "--set", "training.steps"), "write for example training.steps=5"),
    "--set with an unknown key": (None, (*TRAIN, "--set", "trainin.steps=1"), "--set trainin.steps=1: "),
    "--resume without a run": (None, ("train", "--resume"), "--resume needs a run; name it with --run-dir"),
    "--resume where no run is": (None, ("train", "--resume", "--run-dir", "none"), "none: there is no run here"),
    "a folder that holds a run": (None, (*TRAIN, "--run-dir", "run"), "already holds a run; go on with it by --resume"),
    "a folder that holds something else": (occupied, (*TRAIN, "--run-dir", "full"), "not empty (it holds notes.txt)"),
    "--resume with another recipe": (
        cut_end,
        (*TRAIN, "--resume", "--run-dir", "run", *SHORT, "--set", "seed=5"),
        "toy.srft.json: `seed` differs from the recipe the run was started with; ",
    ),
    "--resume where the recipe's folder is gone": (
        move_recipe,
        ("train", "--resume", "--run-dir", "moved"),
        "bring that folder back, or name the recipe",
    ),
    "--resume without trainer_state": (without_state, ("train", "--resume", "--run-dir", "run"), "--fork RUN@2"),
    "a run of a newer format": (newer_format, ("train", "--resume", "--run-dir", "run"), "format 2.0, this program"),
    "--fork of no RUN@STEP": (None, (*TRAIN, "--fork", "run"), "--fork: 'run' is no RUN@STEP; write for example"),
    "--fork of a run that is not there": (None, (*TRAIN, "--fork", "none@2"), "none: there is no run here"),
    "--fork of a missing step": (None, (*TRAIN, "--fork", "run@7"), "of step 7; the run keeps these: 2."),
    "--fork of the last step": (
        None,
        (*TRAIN, "--fork", "run@2", "--set", "training.steps=2"),
        "set training.steps above 2",
    ),
    "evaluate without problems": (
        None,
        ("evaluate", "toy.srft.json", "--set", "evaluation=null"),
        "names no problems to ask; add `evaluation`",
    ),
    "evaluate with a checkpoint that is no RUN@STEP": (
        None,
        ("evaluate", "toy.srft.json", "--checkpoint", "run"),
        "--checkpoint: 'run' is no RUN@STEP",
    ),
    "export into a folder that is not empty": (
        occupied,
        ("export", "run", "--step", "2", "--to", "full"),
        "full: there is something already; name a new or empty folder with --to.",
    ),
    "export of a missing step": (None, ("export", "run", "--step", "3", "--to", "model"), "the run keeps these: 2."),
    "export of no run": (None, ("export", "none", "--step", "2", "--to", "model"), "none: there is no run here"),
}


@pytest.mark.parametrize("given", REFUSED)
def test_a_mistake_is_one_sentence_and_code_2(finished, capsys, given):
    spoil, arguments, says = REFUSED[given]
    if spoil is not None:
        spoil()
    before = sorted(map(str, Path().rglob("*")))
    code, out, err = call(capsys, *arguments)
    assert code == 2
    assert out == ""
    sentence = err.splitlines()[-1].removeprefix("srft: ")
    assert says in sentence
    assert sentence.endswith(".")
    assert "Traceback" not in err
    assert sorted(map(str, Path().rglob("*"))) == before, "nothing was written"
    record("command line", given, sentence)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("trian",),
        ("train", "--resmue"),
        ("export", "run"),
        (*TRAIN, "--resume", "--fork", "run@2"),
        ("schema", "x"),
    ],
)
def test_wrong_usage(capsys, arguments):
    code, out, err = call(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("usage: srft")
    assert "error: " in err.splitlines()[-1]
    record("command line", f"`srft {' '.join(arguments)}`".replace(" `", "`"), err.splitlines()[-1])


def test_a_traceback_only_with_debug(capsys, monkeypatch):
    code, _, err = call(capsys, "train", "no.srft.json")
    assert (code, "Traceback" in err) == (2, False)
    with pytest.raises(InputError):
        main(["train", "no.srft.json", "--debug"])

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("srft.recipe.load_recipe", broken)
    code, _, err = call(capsys, *TRAIN)
    assert code == 1
    assert err == "srft: ZeroDivisionError: a bug (run again with --debug for the traceback)\n"


def test_train_resume_and_fork(capsys):
    code, out, err = call(capsys, *TRAIN, "--run-dir", RUN, *SHORT)
    assert (code, out) == (0, "")
    assert err.splitlines()[-1] == "finished"
    before = (RUN / "events.jsonl").read_bytes()

    code, out, err = call(capsys, "train", "--resume", "--run-dir", RUN)
    assert (code, out) == (0, "")
    assert err == "finished: this run had reached its last step already; --fork goes on from it\n"
    assert (RUN / "events.jsonl").read_bytes() == before
    record("command line", "--resume of a finished run", err.strip())

    code, _, err = call(capsys, *TRAIN, "--fork", "run@2", "--run-dir", "child", "--set", "training.steps=3")
    assert code == 0, err
    assert [event["step"] for event in events(Path("child"), "step")] == [3]
    assert json.loads(Path("child/run.json").read_text())["parent"]["step"] == 2


def test_a_resume_with_less_memory(finished, capsys):
    cut_end()
    arguments = ("train", "--resume", "--run-dir", RUN, "--set", "training.micro_batch_tokens=64")
    code, _, err = call(capsys, *arguments, "--set", "rollouts.batch_tokens=100")
    assert code == 0, err
    notice = events(RUN, "notice")[-1]
    assert notice["message"] == "Resumed with training.micro_batch_tokens=64, rollouts.batch_tokens=100."


def test_the_recipe_may_be_named_again(finished, capsys):
    cut_end()
    memory = ("--set", "training.micro_batch_tokens=64")
    code, _, err = call(capsys, *TRAIN, "--resume", "--run-dir", RUN, *SHORT, *memory)
    assert code == 0, err
    assert end_of(RUN)["kind"] == "finished"


def test_a_run_ends_with_code_0_when_it_collapses(capsys):
    guard = '{"entropy_below": 100, "steps": 1}'
    code, _, err = call(capsys, *TRAIN, "--run-dir", RUN, *SHORT, "--set", f"stop_on_collapse={guard}")
    assert code == 0
    assert err.splitlines()[-1].startswith("stopped on collapse: the entropy of own rollouts was below")


def test_a_disk_that_refuses_is_code_1(capsys, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("srft.engine.checkpoint._sync", refuse)
    code, _, err = call(capsys, *TRAIN, "--run-dir", RUN, *SHORT)
    assert code == 1
    assert err.splitlines()[-1].startswith(
        "srft: run/checkpoints/step-000002: cannot be written (No space left on device); free space on the disk of run"
    )
    assert "Traceback" not in err


def test_evaluate_prints_intervals(finished, capsys):
    three = ("--set", "evaluation.samples=3")
    code, out, _ = call(capsys, "evaluate", "toy.srft.json", "--json", *three)
    assert code == 0
    figures = json.loads(out)
    assert figures.keys() == {"evaluation"}
    assert figures["evaluation"].keys() == {"accuracy", "regex", "avg@3", "pass@2", "pass@3"}
    for figure in figures["evaluation"].values():
        assert figure["count"] == 6
        assert figure["low"] <= figure["value"] <= figure["high"]
    code, text, _ = call(capsys, "evaluate", "toy.srft.json", "--checkpoint", "run@2")
    assert code == 0
    assert re.match(r"evaluation  accuracy +\d\.\d{3}  \[\d\.\d{3}, \d\.\d{3}\]\n", text)


def test_check_measures(capsys):
    code, out, _ = call(capsys, "check", "toy.srft.json", "--json")
    report = json.loads(out)
    assert report.keys() == {"fits", "measured", "findings", "seam", "cut"}
    assert code == (0 if report["fits"] else 2)
    assert report["measured"]["tokens_per_second"] > 0
    assert report["measured"]["memory"]["weights"] > 0
    assert "'<think>'" in report["seam"]
    for finding in report["findings"]:
        assert finding.keys() == {"level", "key", "message", "remedy"}
    code, text, _ = call(capsys, "check", "toy.srft.json")
    assert [line.split()[0] for line in text.splitlines()][:3] == ["time", "speed", "memory"]
    assert not Path("runs").exists()


@pytest.mark.parametrize("limit", [4, 12])
def test_check_names_demonstrations_that_are_cut(capsys, limit):
    _, out, _ = call(capsys, "check", "toy.srft.json", "--json", "--set", f"training.max_response_tokens={limit}")
    report = json.loads(out)
    found = [finding for finding in report["findings"] if "longer than" in finding["message"]]
    rows = [json.loads(line) for line in Path("train.jsonl").read_text().splitlines()]
    tokenizer = Tokenizer.from_file("base/tokenizer.json")
    lengths = {
        number: len(tokenizer.encode(row["demonstration"]).ids) + 1
        for number, row in enumerate(rows, start=1)
        if "demonstration" in row
    }
    longest = max(lengths.values())
    assert longest <= 12
    if limit == 12:
        assert (found, report["cut"]) == ([], None)
        return
    key = "training.max_response_tokens"
    assert [finding["key"] for finding in found] == [key]
    assert found[0]["remedy"] == f"set {key} to at least {longest}, or shorten or remove them"
    assert report["cut"]["places"] == [
        {"file": "train.jsonl", "line": number, "tokens": tokens} for number, tokens in lengths.items()
    ]
    assert report["cut"].items() >= {"key": key, "limit": 4, "total": len(lengths), "longest": longest}.items()


@pytest.mark.parametrize("name", ["recipe", "wire"])
def test_schema(capsys, name):
    code, out, _ = call(capsys, "schema", name)
    assert code == 0
    assert json.loads(out) == schemas()[name]


ADAPTERS = {
    "full": None,
    "lora": {"rank": 4},
    "lora on a tied head": {"rank": 4, "targets": ["q_proj", "lm_head"]},
    "lora on tied embeddings": {"rank": 4, "targets": ["q_proj", "embed_tokens"]},
}


@pytest.mark.parametrize("lora", ADAPTERS.values(), ids=ADAPTERS.keys())
def test_an_export_is_a_plain_model_of_equal_logits(recipe, capsys, lora):
    train_here(recipe, RUN, training__steps=2, evaluation=None, model__lora=lora, optimiser__learning_rate=0.05)
    code, _, err = call(capsys, "export", RUN, "--step", "2", "--to", "deep/model")
    assert (code, err.splitlines()[-1]) == (0, "written to deep/model")
    config = ModelConfig.model_validate({"path": "base", "device": "cpu", "lora": lora})
    policy = load_policy(config, Path(), seed=0, where="", checkpoint=RUN / "checkpoints" / "step-000002")
    exported: Any = AutoModelForCausalLM.from_pretrained("deep/model")
    base: Any = AutoModelForCausalLM.from_pretrained("base")
    tokenizer: Any = AutoTokenizer.from_pretrained("deep/model")
    assert tokenizer.chat_template
    assert {path.suffix for path in Path("deep/model").iterdir()} <= {".safetensors", ".json", ".jinja"}
    ids = torch.tensor([tokenizer("1+2=?")["input_ids"]])
    policy.model.eval()
    with torch.no_grad():
        expected = policy.model(input_ids=ids).logits
        torch.testing.assert_close(exported(input_ids=ids).logits, expected, rtol=1e-4, atol=1e-4)
        assert not torch.allclose(base(input_ids=ids).logits, expected, atol=1e-2)


def test_an_export_the_disk_refuses_leaves_nothing(finished, capsys, monkeypatch):
    def refuse(_: object, target: Path, **__: object) -> None:
        target.mkdir()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copytree", refuse)
    code, _, err = call(capsys, "export", RUN, "--step", "2", "--to", "model")
    assert code == 1
    assert "No space left on device" in err
    assert "free space there" in err
    assert not Path("model").exists()
    record("command line", "export onto a full disk", err.strip().removeprefix("srft: "))


def test_a_checkpoint_write_killed_in_the_middle_is_cleared_away(trainers, recipe):
    """The write is caught by stopping the process while its left-over can be seen."""
    every = ("--set", "checkpoint.every=1", "--set", "training.steps=400", "--set", "evaluation=null")
    process = trainers.start("train", recipe, "--run-dir", RUN.resolve(), *every)

    def partials() -> list[Path]:
        return list((RUN / "checkpoints").glob(".step-*.partial"))

    def caught() -> bool:
        if process.poll() is not None:
            return True
        if not partials():
            return False
        process.send(signal.SIGSTOP)
        if partials() and len(events(RUN, "checkpoint")) >= 1:
            return True
        process.send(signal.SIGCONT)
        return False

    def goes_on() -> bool:
        kinds = [event["kind"] for event in events(RUN)]
        return "resumed" in kinds and "step" in kinds[kinds.index("resumed") :]

    wait_for(caught)
    assert process.poll() is None, process.said()
    process.send(signal.SIGKILL)
    process.wait()
    assert partials()
    last = events(RUN, "checkpoint")[-1]["step"]
    resumed = trainers.start("train", "--resume", "--run-dir", RUN.resolve())
    wait_for(goes_on)
    resumed.send(signal.SIGTERM)
    assert resumed.wait() == 0, resumed.said()
    assert events(RUN, "resumed")[0]["from_step"] == last
    assert partials() == []
    assert comparable_run(RUN)["end"]["kind"] == "stopped"


def test_help_is_quick_and_loads_no_torch():
    code = (
        "import sys, srft.cli\n"
        "try:\n    srft.cli.main(['--help'])\n"
        "except SystemExit as ended:\n    assert not ended.code\n"
        "heavy = {'torch', 'transformers', 'numpy', 'pydantic'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=TRAINER, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for command in ("train", "check", "verify", "evaluate", "export", "schema"):
        assert f"\n    {command} " in done.stdout


FORBIDDEN_IMPORTS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
FORBIDDEN_CALLS = {"eval", "exec", "os.system", "os.popen", "torch.load", "torch.save", "numpy.load", "np.load"}


def test_no_pickle_no_shell_no_evaluated_text():
    """Over the syntax of every file of the package."""
    found = []
    for path in sorted(Path(srft.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names if alias.name.partition(".")[0] in FORBIDDEN_IMPORTS]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in FORBIDDEN_IMPORTS:
                names = [str(node.module)]
            elif isinstance(node, ast.Call):
                names = [name for name in [ast.unparse(node.func)] if name in FORBIDDEN_CALLS]
                names += ["shell=" for word in node.keywords if word.arg == "shell"]
                names += [
                    f"{word.arg}={ast.unparse(word.value)}"
                    for word in node.keywords
                    if word.arg in ("trust_remote_code", "allow_pickle") and ast.unparse(word.value) != "False"
                ]
            found += [f"{path.name}:{getattr(node, 'lineno', 0)} {name}" for name in names]
    # A user's reward file is run in a process of its own; that is what the `python` reward is for.
    assert [place for place in found if not place.startswith("python_worker.py")] == []

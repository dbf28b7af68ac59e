"""`srft`: train, check, verify, evaluate, export, schema. Exit codes: 0 done, 2 the input is wrong, 1 anything else."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from srft import __version__
from srft.errors import InputError
from srft.torch_environment import set_torch_environment


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; an expected fault becomes one sentence, without a traceback unless `--debug` is given."""
    set_torch_environment()
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except InputError as error:
        if arguments.debug:
            raise
        _say_error(str(error))
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if arguments.debug:
            raise
        _say_error(_unexpected(error))
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="srft", description="Train reasoning models with SRFT and its baselines.")
    parser.add_argument("--version", action="version", version=f"srft {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    train = _command(commands, "train", _train, "train a recipe, writing a run directory")
    _recipe_arguments(train, required=False)
    train.add_argument("--run-dir", type=Path, metavar="DIR", help="where to write; default: runs/<name>-<time>")
    start = train.add_mutually_exclusive_group()
    start.add_argument(
        "--resume", action="store_true", help="go on with the run in --run-dir from its newest checkpoint"
    )
    start.add_argument("--fork", metavar="RUN@STEP", help="begin from a checkpoint of another run")

    check = _command(commands, "check", _check, "look at recipe, model and data, and measure a few rollouts")
    _recipe_arguments(check)
    check.add_argument("--json", action="store_true", help="print the report as JSON")

    verify = _command(commands, "verify", _verify, "judge responses: JSON lines in, JSON lines out")
    _recipe_arguments(verify)
    verify.add_argument("--input", type=Path, metavar="FILE", help="read the lines from a file instead of stdin")
    debugging = verify.add_mutually_exclusive_group()
    debugging.add_argument(
        "--in-process",
        action="store_true",
        help="call `python` rewards in this process and without their time limits, so that a debugger reaches them",
    )
    debugging.add_argument(
        "--where", action="store_true", help="judge nothing; print file and first line of each `python` reward as JSON"
    )

    evaluate = _command(commands, "evaluate", _evaluate, "ask the held-out problems")
    _recipe_arguments(evaluate)
    evaluate.add_argument("--checkpoint", metavar="RUN@STEP", help="weights of a run instead of the recipe's model")
    evaluate.add_argument("--json", action="store_true", help="print the figures as JSON")

    export = _command(commands, "export", _export, "copy a checkpoint as a plain model folder, adapters merged")
    export.add_argument("run_dir", type=Path, metavar="RUN")
    export.add_argument("--step", type=int, required=True)
    export.add_argument("--to", type=Path, required=True, metavar="DIR")

    schema = _command(commands, "schema", _schema, "print the JSON schema of recipe or wire format")
    schema.add_argument("name", choices=["recipe", "wire"], nargs="?", default="recipe")
    return parser


def _command(commands, name: str, run, help: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
    parser.set_defaults(run=run)
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    return parser


def _recipe_arguments(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    parser.add_argument("recipe", type=Path, nargs=None if required else "?", metavar="RECIPE")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="change one key of the recipe, such as training.steps=5; may be given several times",
    )


def _overrides(arguments: argparse.Namespace) -> list[tuple[str, str]]:
    pairs = []
    for text in arguments.overrides:
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"{text!r} is no KEY=VALUE", where="--set", remedy="write for example training.steps=5")
        pairs.append((key.strip(), value))
    return pairs


def _split_memory_keys(pairs: list[tuple[str, str]]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    from srft.resuming import MEMORY_KEYS

    return [pair for pair in pairs if pair[0] in MEMORY_KEYS], [pair for pair in pairs if pair[0] not in MEMORY_KEYS]


def _train(arguments: argparse.Namespace) -> int:
    from srft.launch import Fork, run_new, run_resumed
    from srft.recipe import load_recipe

    if arguments.resume:
        if arguments.run_dir is None:
            raise InputError("--resume needs a run", where="command line", remedy="name it with --run-dir")
        memory, others = _split_memory_keys(_overrides(arguments))
        if arguments.recipe is None:
            end = run_resumed(arguments.run_dir, None, _say, [*memory, *others])
        else:
            end = run_resumed(arguments.run_dir, load_recipe(arguments.recipe, others), _say, memory)
    else:
        if arguments.recipe is None:
            raise InputError("no recipe is named", where="command line", remedy="name a .srft.json file")
        loaded = load_recipe(arguments.recipe, _overrides(arguments))
        run_dir = arguments.run_dir or Path("runs") / f"{loaded.recipe.name}-{time.strftime('%Y%m%d-%H%M%S')}"
        fork = None if arguments.fork is None else Fork.parse(arguments.fork)
        end = run_new(loaded, run_dir, _say, fork)
    _say(f"{end.kind.replace('_', ' ')}{'' if end.message is None else ': ' + end.message}")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from srft.check import check_recipe
    from srft.recipe import load_recipe

    report = check_recipe(load_recipe(arguments.recipe, _overrides(arguments)), _say)
    print(json.dumps(report.as_json()) if arguments.json else report.as_text())
    return 0 if report.fits else 2


def _verify(arguments: argparse.Namespace) -> int:
    from srft.recipe import load_recipe
    from srft.rewards import InProcess, in_own_process
    from srft.verify import read_lines, run_verify, run_where

    loaded = load_recipe(arguments.recipe, _overrides(arguments))
    if arguments.where:
        run_where(loaded, sys.stdout)
        return 0
    lines = sys.stdin.buffer if arguments.input is None else read_lines(arguments.input)
    run_verify(loaded, lines, sys.stdout, InProcess if arguments.in_process else in_own_process)
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from srft.launch import Fork, evaluate_recipe
    from srft.recipe import load_recipe

    checkpoint = None if arguments.checkpoint is None else Fork.parse(arguments.checkpoint, "--checkpoint").checkpoint()
    figures = evaluate_recipe(load_recipe(arguments.recipe, _overrides(arguments)), checkpoint, _say)
    if arguments.json:
        print(json.dumps(figures))
    else:
        for name, of_set in figures.items():
            for figure, value in of_set.items():
                print(f"{name}  {figure:12} {value['value']:.3f}  [{value['low']:.3f}, {value['high']:.3f}]")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from srft.export import export_checkpoint

    export_checkpoint(arguments.run_dir, arguments.step, arguments.to)
    _say(f"written to {arguments.to}")
    return 0


def _schema(arguments: argparse.Namespace) -> int:
    from srft.schema import schemas

    print(json.dumps(schemas()[arguments.name], indent=2))
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _say_error(text: str) -> None:
    _say(f"srft: {text}")


def _unexpected(error: Exception) -> str:
    from srft.run_directory.errors import RunDirectoryError

    if isinstance(error, RunDirectoryError):
        return str(error)
    return f"{type(error).__name__}: {error} (run again with --debug for the traceback)"


if __name__ == "__main__":
    sys.exit(main())

"""The borders between the rooms of the package (ARCHITECTURE.md): arrows by syntax, weight by what Python loads."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import srft

PACKAGE = Path(srft.__file__).parent

LIGHT = [
    "config",
    "wire",
    "errors",
    "rows",
    "recipe",
    "recipe_faults",
    "jsonc",
    "schema",
    "data",
    "rewards",
    "run_directory",
]
"""Everything else that is neither `maths` nor `engine` is the loop, which may import all."""

ROOMS_BELOW = {
    "light": {"light"},
    "maths": {"maths"},
    "engine": {"engine", "maths", "light"},
    "loop": {"loop", "engine", "maths", "light"},
}
EXCEPTIONS = {("maths", "srft.rows")}
"""A light module that the maths may use: plain values without configuration."""

HEAVY = {"torch", "transformers", "peft", "accelerate", "datasets", "pyarrow", "math_verify", "pandas"}
"""What loading a light module must not load."""
NOT_IN_MATHS = {"transformers", "peft", "accelerate", "datasets", "pydantic", "srft.config", "srft.recipe", "srft.wire"}
FILES = {"pathlib", "os", "io", "shutil", "tempfile", "json", "pickle", "subprocess", "socket"}
"""What no file of the maths imports."""


@dataclass(frozen=True)
class Import:
    """One import statement: `importer` names `imported`, at any depth and also under TYPE_CHECKING."""

    importer: str
    imported: str
    line: int


def room_of(module: str) -> str:
    head = module.split(".")[1] if "." in module else "__init__"
    if head in ("maths", "engine"):
        return head
    return "light" if head in LIGHT or head == "__init__" else "loop"


def modules_in(package: Path) -> dict[str, Path]:
    """Every module of the package by its dotted name; a folder without `__init__.py` holds programs, not modules."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        if not (path.parent / "__init__.py").exists():
            continue
        parts = (package.name, *path.relative_to(package).with_suffix("").parts)
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


def imports_in(module: str, path: Path) -> Iterator[Import]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import; name the module from its root"
            # `from package import name` names a module when there is one of that name, else something within `package`.
            for alias in node.names:
                yield Import(module, f"{node.module}.{alias.name}", node.lineno)


def broken_arrows(package: Path) -> list[str]:
    """Imports that go upward, as sentences."""
    modules = modules_in(package)
    complaints = []
    for module, path in modules.items():
        for found in imports_in(module, path):
            target = found.imported if found.imported in modules else found.imported.rpartition(".")[0]
            if target.split(".")[0] != package.name or target == package.name:
                continue
            here, there = room_of(module), room_of(target)
            if there not in ROOMS_BELOW[here] and (here, target) not in EXCEPTIONS:
                complaints.append(f"{module}:{found.line} ({here}) imports {target} ({there})")
    return complaints


def files_in_maths(package: Path) -> list[str]:
    """Places where the maths could touch a file, as sentences."""
    complaints = []
    for module, path in modules_in(package).items():
        if room_of(module) != "maths":
            continue
        for found in imports_in(module, path):
            if found.imported.split(".")[0] in FILES:
                complaints.append(f"{module}:{found.line} imports {found.imported}")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
                complaints.append(f"{module}:{node.lineno} calls open")
    return complaints


def loaded_by(modules: Sequence[str], forbidden: set[str], folder: Path) -> list[str]:
    """Imports the modules in turn in a fresh interpreter; says which of them first loaded something forbidden."""
    program = (
        "import importlib, sys\n"
        f"forbidden = set({sorted(forbidden)!r})\n"
        f"for module in {list(modules)!r}:\n"
        "    importlib.import_module(module)\n"
        "    loaded = forbidden & set(sys.modules)\n"
        "    if loaded: print(module, 'loads', ', '.join(sorted(loaded)))\n"
        "    forbidden -= loaded\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def modules_of(room: str, package: Path) -> list[str]:
    return [module for module in modules_in(package) if room_of(module) == room]


def test_arrows_go_downward():
    assert broken_arrows(PACKAGE) == []


def test_maths_touch_no_file():
    assert files_in_maths(PACKAGE) == []


def test_light_room_loads_nothing_heavy():
    modules = modules_of("light", PACKAGE)
    assert len(modules) >= len(LIGHT)
    assert loaded_by(modules, HEAVY, PACKAGE.parent) == []


def test_maths_load_no_configuration():
    modules = modules_of("maths", PACKAGE)
    assert "srft.maths" in modules or len(modules) > 1
    assert loaded_by(modules, NOT_IN_MATHS, PACKAGE.parent) == []


BREACHES = {
    "light imports the maths": ("rows.py", "from srft.maths import head\n", "arrow"),
    "light imports the engine inside a function": ("wire.py", "def f():\n    import srft.engine.policy\n", "arrow"),
    "maths import the configuration": ("maths/head.py", "from srft.config import Recipe\n", "arrow"),
    "the engine imports the loop": ("engine/policy.py", "from srft import train\n", "arrow"),
    "light loads torch": ("errors.py", "import torch\n", "heavy"),
    "light loads torch through another": ("errors.py", "import helper\n", "heavy"),
    "maths import pathlib": ("maths/head.py", "from pathlib import Path\n", "files"),
    "maths open a file": ("maths/head.py", "def f(): return open('x')\n", "files"),
}


@pytest.mark.parametrize("breach", [None, *BREACHES])
def test_every_border_can_be_broken(breach, tmp_path):
    """The checks above on a toy package: silent when it is sound, and each breach found by its own check only."""
    package = tmp_path / "srft"
    names = ["__init__", *(name for name in LIGHT), "train", "maths/__init__", "maths/head"]
    names += ["engine/__init__", "engine/policy"]
    for name in names:
        path = package / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (package / "config.py").write_text("class Recipe: ...\n")
    (tmp_path / "torch.py").write_text("")
    (tmp_path / "helper.py").write_text("import torch\n")
    expected = None
    if breach is not None:
        file, text, expected = BREACHES[breach]
        (package / file).write_text(text)
    found = {
        "arrow": broken_arrows(package),
        "files": files_in_maths(package),
        "heavy": loaded_by(modules_of("light", package), {"torch"}, tmp_path) if expected in (None, "heavy") else [],
    }
    assert {kind for kind, complaints in found.items() if complaints} == ({expected} if expected else set())

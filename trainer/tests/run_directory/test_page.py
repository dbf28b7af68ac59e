"""docs/run-directory.md against the code: its reader runs, and it names everything that is written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from srft import wire
from srft.run_directory.frames import RecordKind, base_columns, encode_sequence
from srft.run_directory.layout import Pass
from srft.wire import Column

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/run-directory.md").read_text(encoding="utf-8")
MODELS = [
    wire.RunManifest,
    wire.Parent,
    wire.DataHash,
    wire.Device,
    wire.Status,
    wire.Live,
    wire.EndReason,
    wire.Interval,
    wire.Column,
    wire.SegmentHeader,
    wire.Address,
    wire.IndexLine,
    wire.ControlRequest,
    *wire.EventBase.__subclasses__(),
]


def test_the_reader_of_the_page_reads_the_recorded_run():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    code = code.replace("runs/my-run", "test/fixtures/runs/rich")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    output = done.stdout.decode()
    (begins,) = re.findall(r"its output begins:\n\n```\n(.*?)```", PAGE, re.DOTALL)
    assert output.startswith(begins)
    assert "a1-s1-g0-1 <think> so😀\ufffd\ufffd" in output


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_is_on_the_page(model):
    missing = [name for name in model.model_fields if not re.search(rf"`(\w+\.)?{name}`", PAGE)]
    assert missing == []


def test_every_fixed_word_is_on_the_page():
    kinds = [event.model_fields["kind"].default for event in wire.EventBase.__subclasses__()]
    literals = re.findall(r"Literal\[(.*?)\]", Path(wire.__file__).read_text(encoding="utf-8"), re.DOTALL)
    words = {*kinds, *re.findall(r'"(\w+)"', " ".join(literals)), *(column.name for column in base_columns())}
    assert [word for word in sorted(words) if f"`{word}`" not in PAGE] == []
    assert [kind for kind in RecordKind if f"| {kind.value} | {kind.name.lower()}" not in PAGE] == []
    assert [place for place in Pass if f"`{place.value}`" not in PAGE] == []


def test_every_notice_and_metric_of_the_trainer_is_on_the_page():
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "trainer/srft").rglob("*.py"))
    notices = re.findall(r'\b_?notice(?:_once)?\(\s*(?:[\w.]+,\s*)?"(\w+)"', sources)
    families = "loss|reward|entropy|logprob|weight|advantage|rollouts|demonstrations|groups|length|gradient|seconds"
    metrics = re.findall(rf'"((?:{families})/\w+)"', (ROOT / "trainer/srft/metrics.py").read_text(encoding="utf-8"))
    assert len(notices) > 4
    assert len(metrics) > 10
    assert [name for name in sorted({*notices, *metrics}) if f"`{name}`" not in PAGE] == []


def test_the_example_bytes_are_what_is_written():
    columns = [
        Column(name="text", dtype="u8", unit=None, per="byte"),
        Column(name="id", dtype="u32", unit=None, per="token"),
        Column(name="logprob", dtype="f32", unit="nat", per="token"),
        Column(name="byte_length", dtype="u16", unit="byte", per="token"),
    ]
    record = encode_sequence(RecordKind.ROLLOUT, columns, [b"a\xff", b"", b"bcd"], {"id": [1, 2, 258]})
    rows = re.findall(r"^00[0-9a-f]{2}  ((?:[0-9a-f.]{2} {1,2})+)", PAGE, re.MULTILINE)
    shown = " ".join(rows).split()
    assert len(shown) == len(record) == 64
    assert [text for text, byte in zip(shown, record, strict=True) if text != ".." and int(text, 16) != byte] == []

"""What counts as an answer, a form, a step; and texts written to break the rules. No process is started here."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srft.config import ExactReward, FormatGate, StepsReward
from srft.rewards.reasoning import boxes, form_fault, take_apart
from srft.rewards.rules import exact_value, overlong_penalty, steps_value

TAGS = ("<think>", "</think>")


@pytest.mark.parametrize(
    ("length", "penalty"), [(1, 0.0), (16384, 0.0), (18432, -0.5), (20480, -1.0), (20481, -1.0), (40000, -1.0)]
)
def test_overlong_golden(length, penalty):
    assert overlong_penalty(length, 20480, 4096) == penalty


def test_no_buffer_no_penalty():
    assert overlong_penalty(100, 100, 0) == 0.0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"\boxed{92}", ["92"]),
        (r"\boxed {92} and \boxed{93}", ["92", "93"]),
        (r"\boxed{\frac{1}{2}}", [r"\frac{1}{2}"]),
        (r"\boxed{\{1, 2\}}", [r"\{1, 2\}"]),
        (r"\boxed{a}}", ["a"]),
        (r"\boxed{\boxed{5}}", [r"\boxed{5}"]),
        (r"\boxed{ \boxed{5}", ["5"]),
        (r"{\boxed{1}\boxed{2", ["1"]),
        (r"\boxed{", []),
        (r"\fbox{1} boxed{2} \\boxed{3}", []),
        ("\\boxed{a\nb}", ["a\nb"]),
        ("", []),
    ],
)
def test_boxes(text, found):
    assert boxes(text) == found


@given(st.text(alphabet="ab{}\\ ", max_size=30))
def test_a_box_holds_what_was_put_in(text):
    """Texts with balanced braces and no backslash come out as they went in."""
    depth, low = 0, 0
    for character in text:
        depth += (character == "{") - (character == "}")
        low = min(low, depth)
    if depth == 0 and low == 0 and "\\" not in text:
        assert boxes(f"x\\boxed{{{text}}}y") == [text]


@pytest.mark.parametrize(
    ("text", "opened_tag", "ended", "fault"),
    [
        ("<think>a</think>b", False, True, None),
        ("  <think>\n</think>b", False, True, None),
        ("a</think>b", True, True, None),
        ("<think>a</think>b", True, True, "form: 2 of <think>"),
        ("a</think>b", False, True, "form: 0 of <think>"),
        ("<think>a b", False, True, "form: 0 of </think>"),
        ("<think>a</think>b</think>", False, True, "form: 2 of </think>"),
        ("<think><think>a</think>b", False, True, "form: 2 of <think>"),
        ("<think>a</think><think>b</think>c", False, True, "form: 2 of <think>"),
        ("</think><think>b", False, True, "form: </think> before <think>"),
        ("<think>a</think> \n", False, True, "form: nothing after </think>"),
        ("<think>a</think>b", False, False, "form: not ended"),
        ("", False, True, "form: 0 of <think>"),
    ],
)
def test_form(text, opened_tag, ended, fault):
    assert form_fault(text, FormatGate(), TAGS, opened_tag=opened_tag, ended=ended) == fault


def test_a_gate_asks_for_what_it_is_set_to():
    loose = FormatGate(require_think=False, require_end=False)
    assert form_fault("", loose, TAGS, opened_tag=False, ended=False) is None
    assert form_fault("", FormatGate(require_think=False), TAGS, opened_tag=False, ended=False) == "form: not ended"


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("<think>a</think>b", "a", "b"),
        ("x<think>a</think>b", "a", "b"),
        ("a</think>b", "a", "b"),
        ("<think>a", "a", "<think>a"),
        ("a", "a", "a"),
        ("<think>a</think>b</think>c", "a</think>b", "c"),
    ],
)
def test_taking_apart(text, reasoning, answer):
    parts = take_apart(text, TAGS)
    assert (parts.reasoning, parts.answer) == (reasoning, answer)


@pytest.mark.parametrize(
    ("extract", "text", "answer", "value"),
    [
        ("boxed", r"<think>\boxed{1}</think>\boxed{92}", "92", 1.0),
        ("boxed", r"<think>\boxed{92}</think>\boxed{1}", "92", 0.0),
        ("boxed", r"<think></think>\boxed{92} \boxed{92}", "92", 0.0),
        ("boxed", r"<think></think>\boxed{ 92 }", "92", 1.0),
        ("boxed", r"<think></think>\boxed{9 2}", "92", 0.0),
        ("boxed", r"<think></think>92", "92", 0.0),
        ("boxed", r"<think></think>\boxed{}", "92", 0.0),
        ("last_line", "<think>\n</think>so\n 92 \n\n", "92", 1.0),
        ("last_line", "<think>\n</think>92\nor 93", "92", 0.0),
        ("last_line", "", "92", 0.0),
        ("after_think", "<think>x</think>\n two\n words", "two words", 1.0),
        ("after_think", "<think>x</think>two", "two words", 0.0),
    ],
)
def test_exact(extract, text, answer, value):
    assert exact_value(ExactReward(extract=extract), take_apart(text, TAGS), answer) == value


@pytest.mark.parametrize(
    ("lines", "share", "all_right"),
    [
        (["85-3=82", "82-3=79", "79+8=87", "87+5=92"], 1.0, 1.0),
        (["85-3=82", "82-3=79", "79+8=77", "77+5=82"], 0.75, 0.0),
        (["85-3=82", "79+8=87"], 1.0, 0.0),
        (["85-3=82", "I go on.", "", "82 - 3 = 79"], 1.0, 1.0),
        (["3-5=-2", "-2+1=-1"], 1.0, 1.0),
        (["85-3=82."], 0.0, 0.0),
        (["85*3=255"], 0.0, 0.0),
        ([], 0.0, 0.0),
        (["1+1=2", "9" * 100_000 + "+1=" + "9" * 100_000], 0.5, 0.0),
        (["९+1=10"], 0.0, 0.0),
    ],
)
def test_steps(lines, share, all_right):
    parts = take_apart("<think>\n" + "\n".join(lines) + "\n</think>\n7+7=15\\boxed{1}", TAGS)
    assert steps_value(StepsReward(), parts) == share
    assert steps_value(StepsReward(all_or_nothing=True), parts) == all_right


@given(st.lists(st.tuples(st.sampled_from("+-"), st.integers(0, 99)), min_size=1, max_size=8), st.integers(0, 99))
def test_right_sums_are_right_and_one_slip_is_not(operations, start):
    lines, value = [], start
    for sign, operand in operations:
        result = value + operand if sign == "+" else value - operand
        lines.append(f"{value}{sign}{operand}={result}")
        value = result
    parts = take_apart("<think>" + "\n".join(lines) + "</think>", TAGS)
    assert steps_value(StepsReward(all_or_nothing=True), parts) == steps_value(StepsReward(), parts) == 1.0
    slipped = [*lines[:-1], f"{lines[-1].partition('=')[0]}={value + 1}"]
    parts = take_apart("<think>" + "\n".join(slipped) + "</think>", TAGS)
    assert steps_value(StepsReward(), parts) == (len(lines) - 1) / len(lines)
    assert steps_value(StepsReward(all_or_nothing=True), parts) == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "\\boxed{" * 20_000,
        "{" * 100_000,
        "\\" * 100_001,
        "<think>" * 20_000,
        "</think>" * 20_000,
        "1+" * 50_000 + "=\n",
        " " * 100_000 + "x",
    ],
    ids=["boxes", "braces", "backslashes", "openings", "closings", "sums", "blanks"],
)
def test_malicious_texts_take_linear_time(text):
    def seconds(repeats: int) -> float:
        began = time.process_time()
        parts = take_apart(text * repeats, TAGS)
        form_fault(text * repeats, FormatGate(), TAGS, opened_tag=True, ended=True)
        exact_value(ExactReward(), parts, "1")
        steps_value(StepsReward(), parts)
        return time.process_time() - began

    assert seconds(4) < 2.0

"""Laws of the demo's task: problems, demonstrations, slips, and the reader of solutions."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.task import (
    CAREFUL,
    Author,
    Operation,
    WordProblem,
    carries_or_borrows,
    demonstration,
    draw_problem,
    read_solution,
    slipped_result,
    slips_possible,
    write_solution,
)

seeds = st.integers(0, 2**32)
counts = st.integers(1, 6)
ALWAYS_SLIPS = Author(slip_small=1.0, slip_large=1.0, terse=False)


@given(seeds, counts)
def test_problems_stay_within_two_digits(seed: int, count: int) -> None:
    problem = draw_problem(random.Random(seed), count)
    assert len(problem.operations) == count
    assert all(1 <= value <= 99 for value in problem.values)
    assert str(problem.start) in problem.text


@given(seeds, counts)
def test_a_demonstration_is_right_and_every_line_of_it_valid(seed: int, count: int) -> None:
    problem = draw_problem(random.Random(seed), count)
    reading = read_solution(demonstration(problem), problem)
    assert reading.right and reading.steps_valid
    assert reading.steps == count


@given(seeds, counts, st.booleans())
def test_a_careful_author_is_always_right_whatever_the_words(seed: int, count: int, terse: bool) -> None:
    rng = random.Random(seed)
    problem = draw_problem(rng, count)
    reading = read_solution(write_solution(problem, replace(CAREFUL, terse=terse), rng), problem)
    assert reading.right and reading.steps_valid and reading.steps == count


@pytest.mark.parametrize("sign", ["+", "-"])
def test_slips_of_one_kind_never_cancel_and_none_is_ten_too_much(sign) -> None:
    errors = [
        slipped_result(value, operation) - operation.apply(value)
        for value in range(1, 100)
        for operation in (Operation(sign, operand) for operand in range(2, 10))
        if slips_possible(value, operation) and operation.apply(value) > 0
    ]
    if sign == "+":
        assert set(errors) == {-10}
    else:
        assert set(errors) == {2, 4, 6, 8, 12, 14, 16, 18}


@pytest.mark.parametrize(
    ("value", "sign", "operand", "result"),
    [(81, "-", 3, 82), (16, "+", 8, 14), (40, "-", 9, 49), (99, "+", 2, 91), (12, "-", 4, 12)],
)
def test_slips_are_those_of_pupils(value, sign, operand, result) -> None:
    operation = Operation(sign, operand)
    assert slips_possible(value, operation)
    assert slipped_result(value, operation) == result


@pytest.mark.parametrize(("value", "sign", "operand"), [(82, "-", 7), (15, "+", 4), (15, "-", 5), (30, "-", 5)])
def test_elsewhere_nobody_slips(value, sign, operand) -> None:
    assert not slips_possible(value, Operation(sign, operand))


@given(st.integers(1, 99), st.sampled_from(["+", "-"]), st.integers(2, 9))
def test_a_slip_needs_a_carry_or_a_borrow(value, sign, operand) -> None:
    operation = Operation(sign, operand)
    if slips_possible(value, operation):
        assert carries_or_borrows(value, operation)
        assert slipped_result(value, operation) != operation.apply(value)


def test_right_answers_of_sloppy_authors_seldom_hide_a_wrong_step() -> None:
    rng = random.Random(4)
    author = Author(slip_small=0.12, slip_large=0.56, skip=0.02, blurt=0.02, terse=False)
    readings = []
    for _ in range(4000):
        problem = draw_problem(rng, 4)
        readings.append(read_solution(write_solution(problem, author, rng), problem))
    right = [reading for reading in readings if reading.right]
    assert 0.1 < len(right) / len(readings) < 0.5
    assert sum(not reading.steps_valid for reading in right) / len(right) < 0.03


@settings(max_examples=50)
@given(seeds)
def test_an_author_who_always_slips_is_never_valid_where_a_slip_is_possible(seed: int) -> None:
    rng = random.Random(seed)
    problem = draw_problem(rng, 1)
    reading = read_solution(write_solution(problem, ALWAYS_SLIPS, rng), problem)
    assert reading.steps_valid is not slips_possible(problem.start, problem.operations[0])


PROBLEM = WordProblem(85, (Operation("-", 3), Operation("+", 8)), "Ana", "shells", ("sells", "wins"))


def test_the_question_in_words() -> None:
    assert PROBLEM.text == "Ana has 85 shells. sells 3, wins 8. How many now?"
    assert demonstration(PROBLEM) == "<think>\n85-3=82\n82+8=90\n</think>\n\\boxed{90}"


@pytest.mark.parametrize(
    ("text", "right", "steps_valid"),
    [
        ("<think>\n85-3=82\n82+8=90\n</think>\n\\boxed{90}", True, True),
        ("<think>\nok\n85-3=82\n82 shells\n82+8=90\n</think>\n\\boxed{90}", True, True),
        ("<think>\n85-3=83\n82+8=90\n</think>\n\\boxed{90}", True, False),
        ("<think>\n84-3=81\n81+8=89\n</think>\n\\boxed{89}", False, False),
        ("<think>\n85-3=82\n82+8=90\n</think>\n\\boxed{91}", False, True),
        ("<think>\n</think>\n\\boxed{90}", True, False),
        ("85-3=82\n82+8=90\n</think>\n\\boxed{90}", False, False),
        ("<think>\n85-3=82\n82+8=90\n</think>\n\\boxed{90} \\boxed{90}", False, True),
        ("<think>\n<think>\n85-3=82\n</think>\n\\boxed{90}", False, False),
        ("", False, False),
    ],
)
def test_reading_a_solution(text, right, steps_valid) -> None:
    reading = read_solution(text, PROBLEM)
    assert (reading.right, reading.steps_valid) == (right, steps_valid)

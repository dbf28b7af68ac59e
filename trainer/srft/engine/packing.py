"""How the rows of a micro-batch are laid out: every prompt once, every token once, hardly any padding.

All tokens of a pass stand in one line: first the prompts, each once however many rows continue it, then the responses
without their last token, which predicts nothing. Everything that looks at single tokens works on that line. Attention
works on blocks cut from it: a block holds cells of equal size, a cell is one prompt with some of the rows that continue
it. A block of prompts is the same thing with nothing before it.

N tokens in line, M response tokens, U cells of a block, G rows of a cell, C tokens of a row, S tokens of a prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Rows = Sequence[tuple[Sequence[int], Sequence[int]]]
"""(prompt_ids, response_ids) of each row; neither may be empty."""

# A cell is filled up with padding to the longest row of its block: at most this share of a block may be padding.
MOST_PADDING = 0.15
# What a block costs beside its scores, in scores: some dozen calls.
BLOCK_COST = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Cells of equal size that attend together. Their tokens are neighbours in line."""

    first: int
    """Place in line of its first token."""
    length_UG: np.ndarray
    """Tokens of each row; 0 where a cell has fewer rows than the others."""
    prompt_U: np.ndarray | None
    """Number of the prompt before each cell; None in a block of prompts."""

    @property
    def tokens(self) -> int:
        """Tokens in line."""
        return int(self.length_UG.sum())

    @property
    def width(self) -> int:
        """C, the longest row."""
        return int(self.length_UG.max())

    def place_UGC(self) -> np.ndarray:
        """For each place of the padded block, counted from `first`, the token it holds; padding holds token 0."""
        column_C = np.arange(self.width)
        real_UGC = column_C < self.length_UG[..., None]
        start_UG = (np.cumsum(self.length_UG) - self.length_UG.ravel()).reshape(self.length_UG.shape)
        return np.where(real_UGC, start_UG[..., None] + column_C, 0)

    def real(self) -> np.ndarray:
        """[tokens] the place in the padded block, flattened, of each token."""
        return np.flatnonzero(np.arange(self.width) < self.length_UG[..., None])


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """The plan of one pass."""

    id_N: np.ndarray
    position_N: np.ndarray
    prompt_length_P: np.ndarray
    prompt_blocks: tuple[Block, ...]
    """The prompts in line, in the order of their numbers."""
    response_blocks: tuple[Block, ...]
    predictor_M: np.ndarray
    """Place in line of the token that predicts each response token; rows in their order, then positions."""
    target_M: np.ndarray
    row_M: np.ndarray

    @property
    def prompt_tokens(self) -> int:
        """Tokens of all prompts: the first so many in line."""
        return int(self.prompt_length_P.sum())


def pack(rows: Rows) -> Packing:
    """Plans a pass over (prompt_ids, response_ids). Raises ValueError for an empty prompt or response."""
    for number, (prompt_ids, response_ids) in enumerate(rows):
        if not len(prompt_ids) or not len(response_ids):
            raise ValueError(f"row {number} has an empty {'response' if len(prompt_ids) else 'prompt'}")
    members: dict[tuple[int, ...], list[int]] = {}
    for number, (prompt_ids, _) in enumerate(rows):
        members.setdefault(tuple(prompt_ids), []).append(number)
    prompts = sorted(members, key=len, reverse=True)
    prompt_length_P = np.array([len(prompt) for prompt in prompts])
    prompt_end_P = np.cumsum(prompt_length_P)
    fed_B = np.array([len(response_ids) - 1 for _, response_ids in rows])

    prompt_cells = [_Cell(None, [(number, int(length))]) for number, length in enumerate(prompt_length_P)]
    prompt_blocks = _blocks(_cut(prompt_cells), 0)
    groups = [[(row, int(fed_B[row])) for row in members[prompt] if fed_B[row]] for prompt in prompts]
    cut = _best_cut(groups, prompt_length_P)
    response_blocks = _blocks(cut, int(prompt_end_P[-1]))

    start_B = np.zeros(len(rows), dtype=np.int64)
    place = int(prompt_end_P[-1])
    ids: list[Sequence[int]] = list(prompts)
    positions = [np.arange(length) for length in prompt_length_P]
    for cell in (cell for block in cut for cell in block):
        for row, length in cell.rows:
            start_B[row] = place
            place += length
            prompt_ids, response_ids = rows[row]
            ids.append(tuple(response_ids[:-1]))
            positions.append(len(prompt_ids) + np.arange(length))
    last_prompt_token = {prompt: int(end) - 1 for prompt, end in zip(prompts, prompt_end_P, strict=True)}
    predictors = []
    for row, (prompt_ids, _) in enumerate(rows):
        predictors += [[last_prompt_token[tuple(prompt_ids)]], start_B[row] + np.arange(fed_B[row])]
    return Packing(
        id_N=np.concatenate([np.asarray(part, dtype=np.int64) for part in ids]),
        position_N=np.concatenate(positions),
        prompt_length_P=prompt_length_P,
        prompt_blocks=prompt_blocks,
        response_blocks=response_blocks,
        predictor_M=np.concatenate(predictors).astype(np.int64),
        target_M=np.concatenate([np.asarray(response_ids, dtype=np.int64) for _, response_ids in rows]),
        row_M=np.repeat(np.arange(len(rows)), fed_B + 1),
    )


@dataclass(frozen=True, slots=True)
class _Cell:
    prompt: int | None
    rows: list[tuple[int, int]]
    """(row, tokens), longest first."""

    @property
    def width(self) -> int:
        return self.rows[0][1]


def _best_cut(groups: list[list[tuple[int, int]]], prompt_length_P: np.ndarray) -> list[list[_Cell]]:
    """Whole groups as cells share their prompt best, smaller cells pad less: the cheapest of a few sizes."""
    largest = max((len(group) for group in groups), default=0)
    cuts = []
    for size in sorted({largest, 4, 2, 1}, reverse=True):
        if not 0 < size <= largest:
            continue
        cells = []
        for prompt, group in enumerate(groups):
            rows = sorted(group, key=lambda row: -row[1])
            cells += [_Cell(prompt, rows[begin : begin + size]) for begin in range(0, len(rows), size)]
        cuts.append(_cut(cells))
    return min(cuts, key=lambda cut: _cost(cut, prompt_length_P), default=[])


def _cut(cells: list[_Cell]) -> list[list[_Cell]]:
    """Blocks of cells of similar width, widest first; a stable order, so that equal input gives equal sums."""
    blocks: list[list[_Cell]] = []
    for cell in sorted(cells, key=lambda cell: -cell.width):
        if not blocks or cell.width < (1 - MOST_PADDING) * blocks[-1][0].width:
            blocks.append([])
        blocks[-1].append(cell)
    return blocks


def _cost(cut: list[list[_Cell]], prompt_length_P: np.ndarray) -> float:
    cost = 0
    for cells in cut:
        rows = max(len(cell.rows) for cell in cells)
        before = max(0 if cell.prompt is None else int(prompt_length_P[cell.prompt]) for cell in cells)
        width = cells[0].width
        # 64 stands for the copies of queries, keys and values, which a padded token costs beside its scores.
        cost += BLOCK_COST + len(cells) * rows * width * (before + width + 64)
    return cost


def _blocks(cut: list[list[_Cell]], first: int) -> tuple[Block, ...]:
    blocks = []
    for cells in cut:
        length_UG = np.zeros((len(cells), max(len(cell.rows) for cell in cells)), dtype=np.int64)
        for index, cell in enumerate(cells):
            length_UG[index, : len(cell.rows)] = [length for _, length in cell.rows]
        prompts = [cell.prompt for cell in cells if cell.prompt is not None]
        block = Block(first=first, length_UG=length_UG, prompt_U=np.array(prompts) if prompts else None)
        blocks.append(block)
        first += block.tokens
    return tuple(blocks)

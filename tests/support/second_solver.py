"""A second solver, for the generators to be held against: CP-SAT models that share no code or idea with theirs.

Shakashaka is a partition into rectangles; areas are mended by cuts, one broken solution after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ortools.sat.python import cp_model

from tts.puzzles import Board, Heyawake, Lightup, Nurikabe, Shakashaka, Sudoku, Tapa

Cell = tuple[int, int]
Grid = list[list[int]]
Bools = dict[Cell, cp_model.IntVar]
Values = dict[Cell, dict[int, cp_model.IntVar]]
Cuts = Callable[[set[Cell]], list[list[tuple[Cell, bool]]]]
"""Clauses that a set of shaded cells breaks: one of the cells must be shaded (True) or not (False)."""


def solutions(puzzle: Board, limit: int = 2) -> list[Grid]:
    """Up to ``limit`` different solutions."""
    return list(SOLVERS[type(puzzle)](puzzle, limit))


def beside(cell: Cell, board: Iterable[Cell]) -> list[Cell]:
    y, x = cell
    return [c for c in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)) if c in board]


def areas(cells: set[Cell]) -> list[set[Cell]]:
    left, found = set(cells), []
    while left:
        area, rim = set(), {min(left)}
        while rim:
            area |= rim
            rim = {c for cell in rim for c in beside(cell, left)} - area
        left -= area
        found.append(area)
    return found


def search(model: cp_model.CpModel, values: Values, limit: int, cuts: Cuts) -> Iterator[Grid]:
    """Solve again and again, each time without the solutions before; ``values`` has a Boolean a cell and value."""
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    height, width = (1 + max(cell[k] for cell in values) for k in (0, 1))
    while limit and solver.solve(model) in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        chosen = {cell: next(v for v, b in of.items() if solver.boolean_value(b)) for cell, of in values.items()}
        broken = cuts({cell for cell, value in chosen.items() if value})
        for clause in broken:
            model.add_bool_or(values[cell][int(shaded)] for cell, shaded in clause)
        if not broken:
            yield [[chosen[y, x] for x in range(width)] for y in range(height)]
            limit -= 1
            model.add_bool_or(values[cell][value].negated() for cell, value in chosen.items())


def shading(puzzle: Board) -> tuple[cp_model.CpModel, Bools, dict[Cell, int], Values]:
    """A model with a Boolean a cell, the index of each cell, and the Booleans by value."""
    model = cp_model.CpModel()
    index = {(y, x): y * puzzle.width + x for y in range(puzzle.height) for x in range(puzzle.width)}
    shaded = {cell: model.new_bool_var(f"{cell}") for cell in index}
    return model, shaded, index, {cell: {0: b.negated(), 1: b} for cell, b in shaded.items()}


def no_cuts(shaded: set[Cell]) -> list[list[tuple[Cell, bool]]]:
    return []


def joined(board: Iterable[Cell], value: bool) -> Cuts:
    """Cuts for: the cells that are shaded (or not, by ``value``) form one area."""

    def cuts(shaded: set[Cell]) -> list[list[tuple[Cell, bool]]]:
        parts = areas(shaded if value else set(board) - shaded)
        found = []
        for part, other in zip(parts, parts[1:] + parts[:1], strict=True):
            if part is not other:
                rim = {c for cell in part for c in beside(cell, board)} - part
                found.append([*((c, not value) for c in (*part, min(other))), *((c, value) for c in rim)])
        return found

    return cuts


def sudoku(puzzle: Sudoku, limit: int) -> Iterator[Grid]:
    side, (high, wide) = puzzle.side, puzzle.box
    model = cp_model.CpModel()
    cell = {(y, x): model.new_int_var(1, side, f"{y} {x}") for y in range(side) for x in range(side)}
    for n in range(side):
        model.add_all_different([cell[n, x] for x in range(side)])
        model.add_all_different([cell[y, n] for y in range(side)])
        top, left = n // high * high, n % high * wide
        model.add_all_different([cell[top + y, left + x] for y in range(high) for x in range(wide)])
    values: Values = {}
    for (y, x), number in cell.items():
        if puzzle.clues[y * side + x]:
            model.add(number == puzzle.clues[y * side + x])
        values[y, x] = {v: model.new_bool_var(f"{y} {x} {v}") for v in range(1, side + 1)}
        for v, b in values[y, x].items():
            model.add(number == v).only_enforce_if(b)
            model.add(number != v).only_enforce_if(b.negated())
    return search(model, values, limit, no_cuts)


def lightup(puzzle: Lightup, limit: int) -> Iterator[Grid]:
    model, bulb, index, values = shading(puzzle)
    for (y, x), c in index.items():
        if puzzle.clues[c] != -1:
            model.add(bulb[y, x] == 0)
            if puzzle.clues[c] >= 0:
                model.add(sum(bulb[n] for n in beside((y, x), index)) == puzzle.clues[c])
            continue
        seen = []
        for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            at = (y + dy, x + dx)
            while at in index and puzzle.clues[index[at]] == -1:
                seen.append(at)
                at = (at[0] + dy, at[1] + dx)
        model.add(sum(bulb[n] for n in seen) == 0).only_enforce_if(bulb[y, x])
        model.add_bool_or(bulb[n] for n in (*seen, (y, x)))
    return search(model, values, limit, no_cuts)


def add_squares(model: cp_model.CpModel, shaded: Bools) -> None:
    for y, x in shaded:
        square = [(y, x), (y + 1, x), (y, x + 1), (y + 1, x + 1)]
        if all(cell in shaded for cell in square):
            model.add_bool_or(shaded[cell].negated() for cell in square)


def tapa(puzzle: Tapa, limit: int) -> Iterator[Grid]:
    model, shaded, index, values = shading(puzzle)
    add_squares(model, shaded)
    model.add_bool_or(shaded.values())
    for (y, x), c in index.items():
        if not puzzle.clues[c]:
            continue
        model.add(shaded[y, x] == 0)
        ring = [
            (y - 1, x - 1),
            (y - 1, x),
            (y - 1, x + 1),
            (y, x + 1),
            (y + 1, x + 1),
            (y + 1, x),
            (y + 1, x - 1),
            (y, x - 1),
        ]
        allowed = []
        for text in (f"{n:08b}" for n in range(256)):
            if all(bit == "0" or cell in index for bit, cell in zip(text, ring, strict=True)):
                at = text.find("0")
                runs = sorted(len(run) for run in (text[at:] + text[:at]).split("0") if run) or [0]
                if tuple(runs) == puzzle.clues[c]:
                    allowed.append([int(bit) for bit, cell in zip(text, ring, strict=True) if cell in index])
        model.add_allowed_assignments([shaded[cell] for cell in ring if cell in index], allowed)
    return search(model, values, limit, joined(index, True))


def heyawake(puzzle: Heyawake, limit: int) -> Iterator[Grid]:
    model, shaded, index, values = shading(puzzle)
    model.add_bool_or(shaded.values())
    rooms = puzzle.rooms()
    for cell, c in index.items():
        for other in beside(cell, index):
            model.add_at_most_one(shaded[cell], shaded[other])
        if puzzle.clues[c] >= 0:
            model.add(sum(shaded[other] for other in index if rooms[index[other]] == c) == puzzle.clues[c])
        for (dy, dx), walls in (((0, 1), puzzle.right), ((1, 0), puzzle.below)):
            run, crossed = [cell], 0
            while crossed < 2:
                crossed += walls[index[run[-1]]]
                after = (run[-1][0] + dy, run[-1][1] + dx)
                if after not in index:
                    break
                run.append(after)
            if crossed == 2:
                model.add_bool_or(shaded[other] for other in run)
    return search(model, values, limit, joined(index, False))


def nurikabe(puzzle: Nurikabe, limit: int) -> Iterator[Grid]:
    model, shaded, index, values = shading(puzzle)
    add_squares(model, shaded)
    clue = {cell: puzzle.clues[c] for cell, c in index.items() if puzzle.clues[c] != -1}
    for cell in clue:
        model.add(shaded[cell] == 0)
    together = joined(index, True)

    def cuts(black: set[Cell]) -> list[list[tuple[Cell, bool]]]:
        found = together(black)
        for area in areas(set(index) - black):
            clues = [clue[cell] for cell in area if cell in clue]
            rim = {c for cell in area for c in beside(cell, index)} - area
            if len(clues) > 1 or (clues and 0 < clues[0] < len(area)):
                found.append([(cell, True) for cell in area])
            elif not clues or len(area) < clues[0]:
                found.append([*((cell, True) for cell in area), *((cell, False) for cell in rim)])
        return found

    return search(model, values, limit, cuts)


def pieces(open_cells: set[Cell], height: int, width: int) -> Iterator[dict[Cell, int]]:
    """Every white rectangle that fits on the open cells, upright or at 45 degrees: its cells and their values."""
    for y, x in open_cells:
        for high in range(1, height - y + 1):
            for wide in range(1, width - x + 1):
                block = {(y + j, x + i): 0 for j in range(high) for i in range(wide)}
                if block.keys() <= open_cells:
                    yield block
    # Turned coordinates: u = x + y and v = x - y of a cell's middle, counted so that a cell spans one on either side.
    for u0 in range(height + width):
        for u1 in range(u0 + 2, height + width + 1, 2):
            for v0 in range(-height + (u0 + height) % 2, width + 1, 2):
                for v1 in range(v0 + 2, width + 1, 2):
                    piece = {}
                    for u in range(u0, u1 + 1):
                        for v in range(v0 + (u - v0 + 1) % 2, v1 + 1, 2):
                            value = {u0: 5, u1: 3}.get(u, 0) if (u - u0) % 2 == 0 else {v0: 2, v1: 4}.get(v, 0)
                            piece[(u - 1 - v) // 2, (u - 1 + v) // 2] = value
                    if piece.keys() <= open_cells:
                        yield piece


WHITE_SIDES = {0: "urdl", 2: "ur", 3: "ul", 4: "dl", 5: "dr"}


def shakashaka(puzzle: Shakashaka, limit: int) -> Iterator[Grid]:
    model, _, index, _ = shading(puzzle)
    open_cells = {cell for cell, c in index.items() if puzzle.clues[c] == -1}
    used = [(piece, model.new_bool_var("")) for piece in pieces(open_cells, puzzle.height, puzzle.width)]
    covers = {cell: [(piece, b) for piece, b in used if cell in piece] for cell in open_cells}
    values: Values = {}
    for cell in index:
        values[cell] = {value: model.new_bool_var(f"{cell} {value}") for value in (0, 2, 3, 4, 5)}
        model.add_exactly_one(values[cell].values())
        if cell not in open_cells:
            model.add(values[cell][0] == 1)
            continue
        model.add_exactly_one(b for _, b in covers[cell])
        for piece, b in covers[cell]:
            model.add_implication(b, values[cell][piece[cell]])
    for y, x in open_cells:
        for other, here, there in (((y, x + 1), "r", "l"), ((y + 1, x), "d", "u")):
            if other in open_cells:
                model.add_at_most_one(
                    *(b for p, b in covers[y, x] if other not in p and here in WHITE_SIDES[p[y, x]]),
                    *(b for p, b in covers[other] if (y, x) not in p and there in WHITE_SIDES[p[other]]),
                )
    for cell, c in index.items():
        if puzzle.clues[c] >= 0:
            model.add(sum(1 - values[n][0] for n in beside(cell, index)) == puzzle.clues[c])
    model.add_bool_or(values[cell][0].negated() for cell in index)
    return search(model, values, limit, no_cuts)


SOLVERS: dict[type[Board], Callable[..., Iterator[Grid]]] = {
    Sudoku: sudoku,
    Lightup: lightup,
    Shakashaka: shakashaka,
    Tapa: tapa,
    Heyawake: heyawake,
    Nurikabe: nurikabe,
}

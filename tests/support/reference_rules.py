"""The rules again, one board at a time and as plainly as they can be said: what the batched verifiers are held against.

A board is a dict from (row, column) to token, without the cells off the board. Every check returns the failcodes that
the answer breaks, each with the set of cells that it marks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from tts.verifiers import tokens as t

Cell = tuple[int, int]
Board = dict[Cell, int]
Marks = dict[str, set[Cell]]


def check(
    variety: str, tokens: Sequence[int], answers: Sequence[int], width: int, box: tuple[int, int] | None = None
) -> tuple[tuple[str, ...], set[int]]:
    """The failcodes of one answer in order, and the indices of the cells marked."""
    cells = {divmod(i, width): i for i, token in enumerate(tokens) if token != t.PAD}
    board = {cell: tokens[i] for cell, i in cells.items()}
    answer = {cell: answers[i] for cell, i in cells.items()}
    marks = sudoku(board, answer, *(box or (3, 3))) if variety == "sudoku" else PENCIL[variety](board, answer)
    broken = tuple(name for name, marked in marks.items() if marked)
    return broken, {cells[cell] for marked in marks.values() for cell in marked}


def sudoku(board: Board, answer: Board, box_height: int, box_width: int) -> Marks:
    side = box_height * box_width
    digits, unknown = range(t.SUDOKU_BLANK + 1, side + 2), side + 2
    square = {(y, x) for y, x in board if max(y, x) < side}
    value = {cell: token if token != t.SUDOKU_BLANK else answer[cell] for cell, token in board.items()}

    def repeats(unit: Callable[[Cell], object]) -> set[Cell]:
        counts = Counter((unit(cell), value[cell]) for cell in square)
        return {cell for cell in square if value[cell] in digits and counts[unit(cell), value[cell]] > 1}

    def fine(cell: Cell) -> bool:
        if board[cell] == t.SUDOKU_BLANK:
            return answer[cell] == t.SUDOKU_BLANK or answer[cell] in digits
        return answer[cell] == board[cell] and (board[cell] in digits or board[cell] == unknown)

    return {
        "bkDupNum": repeats(lambda cell: (cell[0] // box_height, cell[1] // box_width)),
        "nmDupRow": repeats(lambda cell: cell[0]) | repeats(lambda cell: cell[1]),
        "ceNoNum": {cell for cell in board if value[cell] not in digits and board[cell] != unknown},
        "illegalCell": {cell for cell in board if cell not in square or not fine(cell)},
    }


def lightup(board: Board, answer: Board) -> Marks:
    walls = {t.LIGHTUP_WALL, *range(t.LIGHTUP_NUMBER, t.LIGHTUP_NUMBER + 5)}
    bulbs = {c for c, token in board.items() if token == t.LIGHTUP_OPEN and answer[c] == t.LIGHTUP_BULB}

    def seen(cell: Cell) -> set[Cell]:
        found = set()
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            y, x = cell[0] + dy, cell[1] + dx
            while board.get((y, x)) == t.LIGHTUP_OPEN:
                found.add((y, x))
                y, x = y + dy, x + dx
        return found

    return {
        "akariDup": {c for c in bulbs if seen(c) & bulbs},
        "nmAkariNe": {
            c
            for c, token in board.items()
            if 0 <= token - t.LIGHTUP_NUMBER <= 4 and len(beside(c) & bulbs) != token - t.LIGHTUP_NUMBER
        },
        "ceDark": {c for c, token in board.items() if token == t.LIGHTUP_OPEN and not ({c} | seen(c)) & bulbs},
        "illegalCell": misplaced(board, answer, t.LIGHTUP_OPEN, {t.LIGHTUP_EMPTY, t.LIGHTUP_BULB}, walls.__contains__),
    }


def nurikabe(board: Board, answer: Board) -> Marks:
    shaded = {c for c, token in board.items() if token == t.NURIKABE_OPEN and answer[c] == t.NURIKABE_SHADED}
    clues = {c for c, token in board.items() if token >= t.NURIKABE_UNKNOWN}
    numbers = {c: board[c] - t.NURIKABE_NUMBER for c in clues if board[c] != t.NURIKABE_UNKNOWN}
    areas = areas_of(set(board) - shaded)
    return {
        "cs2x2": squares(shaded),
        "bkNoNum": union(area for area in areas if not area & clues),
        "csDivide": cut_off(shaded),
        "bkNumGe2": union(area for area in areas if len(area & clues) >= 2),
        "bkSizeNe": union(area for area in areas if any(numbers[c] != len(area) for c in area if c in numbers)),
        "illegalCell": misplaced(
            board, answer, t.NURIKABE_OPEN, {t.NURIKABE_WHITE, t.NURIKABE_SHADED}, lambda k: k >= t.NURIKABE_UNKNOWN
        ),
    }


def heyawake(board: Board, answer: Board) -> Marks:
    cells = {c for c, token in board.items() if token >= t.HEYAWAKE_CELL}
    shaded = {c for c in cells if answer[c] == t.HEYAWAKE_SHADED}

    def wall(a: Cell, b: Cell) -> bool:
        first, bit = min(a, b), 1 if a[0] == b[0] else 2
        return (board[first] - t.HEYAWAKE_CELL) % 4 & bit != 0

    def number(cell: Cell) -> int:
        return (board[cell] - t.HEYAWAKE_CELL) // 4 - 2

    rooms = areas_of(cells, lambda a, b: not wall(a, b))
    runs = []
    for dy, dx in ((0, 1), (1, 0)):
        for y, x in cells - shaded:
            if (y - dy, x - dx) not in cells - shaded:
                run = [(y, x)]
                while (run[-1][0] + dy, run[-1][1] + dx) in cells - shaded:
                    run.append((run[-1][0] + dy, run[-1][1] + dx))
                runs.append(run)
    return {
        "brNoShade": set() if shaded else set(board),
        "csAdjacent": {c for c in shaded if beside(c) & shaded},
        "cuDivideRB": cut_off(cells - shaded),
        "bkShadeNe": union(r for r in rooms if any(number(c) >= 0 and number(c) != len(r & shaded) for c in r)),
        "bkUnshadeConsecGt3": union(run for run in runs if sum(wall(a, b) for a, b in pairwise(run)) >= 2),
        "illegalCell": {c for c in board if c not in cells or answer[c] not in (t.HEYAWAKE_WHITE, t.HEYAWAKE_SHADED)},
    }


def tapa(board: Board, answer: Board) -> Marks:
    shaded = {c for c, token in board.items() if token == t.TAPA_OPEN and answer[c] == t.TAPA_SHADED}
    clues = {c: t.TAPA_CLUES[k - t.TAPA_CLUE] for c, k in board.items() if 0 <= k - t.TAPA_CLUE < len(t.TAPA_CLUES)}

    def kept(cell: Cell) -> bool:
        y, x = cell
        ring = [(y - 1, x - 1), (y - 1, x), (y - 1, x + 1), (y, x + 1)]
        ring += [(y + 1, x + 1), (y + 1, x), (y + 1, x - 1), (y, x - 1)]
        starts = [i for i in range(8) if ring[i] in shaded and ring[i - 1] not in shaded]
        lengths = [next(n for n in range(1, 9) if ring[(i + n) % 8] not in shaded) for i in starts]
        if not lengths:
            lengths = [8] if ring[0] in shaded else [0]
        left = list(lengths)
        for entry in clues[cell]:
            if entry != t.UNKNOWN:
                if entry not in left:
                    return False
                left.remove(entry)
        return len(left) == clues[cell].count(t.UNKNOWN)

    return {
        "brNoShade": set() if shaded else set(board),
        "cs2x2": squares(shaded),
        "ceTapaNe": {c for c in clues if not kept(c)},
        "csDivide": cut_off(shaded),
        "illegalCell": misplaced(
            board,
            answer,
            t.TAPA_OPEN,
            {t.TAPA_WHITE, t.TAPA_SHADED},
            lambda k: t.TAPA_CLUE <= k < t.TAPA_CLUE + len(t.TAPA_CLUES),
        ),
    }


_UP, _DOWN, _LEFT, _RIGHT = (-1, 0), (1, 0), (0, -1), (0, 1)
_WHITE_SIDES = {
    0: {_UP, _DOWN, _LEFT, _RIGHT},
    2: {_UP, _RIGHT},
    3: {_UP, _LEFT},
    4: {_DOWN, _LEFT},
    5: {_DOWN, _RIGHT},
}


def shakashaka(board: Board, answer: Board) -> Marks:
    walls = {t.SHAKASHAKA_WALL, *range(t.SHAKASHAKA_NUMBER, t.SHAKASHAKA_NUMBER + 5)}
    filled = {t.SHAKASHAKA_EMPTY: 0} | {t.SHAKASHAKA_EMPTY + value - 1: value for value in (2, 3, 4, 5)}
    value = {c: filled.get(answer[c], 0) for c, token in board.items() if token == t.SHAKASHAKA_OPEN}
    triangles = {c for c in value if value[c]}
    numbers = {c: token - t.SHAKASHAKA_NUMBER for c, token in board.items() if 0 <= token - t.SHAKASHAKA_NUMBER <= 4}

    def white(a: Cell, b: Cell) -> bool:
        return (b[0] - a[0], b[1] - a[1]) in _WHITE_SIDES[value[a]]

    def rectangle(region: set[Cell]) -> bool:
        ys, xs = {y for y, _ in region}, {x for _, x in region}
        if len(region - triangles) == (max(ys) - min(ys) + 1) * (max(xs) - min(xs) + 1):
            return True
        return all(white(a, b) == (b in region) for a in region for b in beside(a))

    return {
        "brNoTriangle": set() if triangles else set(board),
        "nmTriangleGt": {c for c, number in numbers.items() if len(beside(c) & triangles) > number},
        "cuNotRectx": union(
            region for region in areas_of(set(value), lambda a, b: white(a, b) and white(b, a)) if not rectangle(region)
        ),
        "nmTriangleLt": {c for c, number in numbers.items() if len(beside(c) & triangles) < number},
        "illegalCell": misplaced(board, answer, t.SHAKASHAKA_OPEN, set(filled), walls.__contains__),
    }


def beside(cell: Cell) -> set[Cell]:
    y, x = cell
    return {(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)}


def areas_of(cells: set[Cell], joined: Callable[[Cell, Cell], bool] = lambda a, b: True) -> list[set[Cell]]:
    left, areas = set(cells), []
    while left:
        area, edge = set(), [left.pop()]
        while edge:
            cell = edge.pop()
            area.add(cell)
            near = {other for other in beside(cell) & left if joined(cell, other)}
            left -= near
            edge += near
        areas.append(area)
    return areas


def cut_off(cells: set[Cell]) -> set[Cell]:
    areas = areas_of(cells)
    most = max(map(len, areas), default=0)
    largest = [area for area in areas if len(area) == most]
    return cells - largest[0] if len(largest) == 1 else cells


def squares(cells: set[Cell]) -> set[Cell]:
    whole = ({(y, x), (y + 1, x), (y, x + 1), (y + 1, x + 1)} for y, x in cells)
    return union(square for square in whole if square <= cells) if len(cells) > 3 else set()


def union(sets: Iterable[Iterable[Cell]]) -> set[Cell]:
    return {cell for cells in sets for cell in cells}


def misplaced(board: Board, answer: Board, blank: int, filled: set[int], clue: Callable[[int], bool]) -> set[Cell]:
    return {c for c, k in board.items() if not (answer[c] in filled if k == blank else clue(k) and answer[c] == k)}


PENCIL: dict[str, Callable[[Board, Board], Marks]] = {
    "lightup": lightup,
    "nurikabe": nurikabe,
    "heyawake": heyawake,
    "tapa": tapa,
    "shakashaka": shakashaka,
}

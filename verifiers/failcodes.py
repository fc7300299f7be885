"""What pzpr's failcodes mean, in a sentence each."""

from __future__ import annotations

FAILCODES = {
    "bkDupNum": "a digit stands twice in a block",
    "nmDupRow": "a digit stands twice in a row or column",
    "ceNoNum": "a cell is empty",
    "akariDup": "two bulbs shine on each other",
    "nmAkariNe": "a number does not match the bulbs beside it",
    "ceDark": "a cell is not lit",
    "cs2x2": "a 2x2 square is all shaded",
    "bkNoNum": "a white area has no number",
    "csDivide": "the shaded cells are not connected",
    "bkNumGe2": "a white area has more than one number",
    "bkSizeNe": "a white area's size is not its number",
    "brNoShade": "no cell is shaded",
    "csAdjacent": "two shaded cells share a side",
    "cuDivideRB": "the white cells are not connected",
    "bkShadeNe": "a room's number does not match its shaded cells",
    "bkUnshadeConsecGt3": "a straight white run crosses two or more walls",
    "ceTapaNe": "a clue does not match the shaded runs around it",
    "brNoTriangle": "there is no triangle",
    "nmTriangleGt": "a number has too many triangles beside it",
    "cuNotRectx": "a white area is not a rectangle",
    "nmTriangleLt": "a number has too few triangles beside it",
    "pathBroken": "the path does not lead from start to goal",
    "pathLong": "more cells are marked than a shortest path needs",
    "illegalCell": "a clue is overwritten, or a cell holds what it cannot",
}
"""Every rule by its failcode; those of mazes are our own."""

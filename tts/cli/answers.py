"""Print the answers of ``tts solve`` and the verdict of ``tts verify``."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from tts.puzzles import Board, parse
from tts.puzzles.drawing import rich_text
from tts.search import Result, Search, Status
from tts.verifiers.failcodes import FAILCODES


def solve_all(puzzles: Sequence[Board], search: Search, seed: int, console: Console) -> int:
    """Search the puzzles and print each answer as it comes. Return how many answers break the rules."""
    unsolved = 0
    for position, result in search.stream(puzzles, seed=seed):
        puzzle = puzzles[position]
        grid = search.model.codec.decode(puzzle, result.answers[0].numpy())
        violations = puzzle.violations(grid)
        unsolved += bool(violations)
        if len(puzzles) > 1:
            console.print(f"puzzle {position + 1} of {len(puzzles)}")
        console.print(rich_text(puzzle, grid, puzzle.violated(grid)))
        console.print(_who(result))
        if violations:
            console.print(f"[bold red]not solved[/]: none of {search.k} rollouts passed the rules; this is the best")
            _explain(violations, console)
        console.print()
    return unsolved


def verify_one(text: str, answer: str, console: Console) -> bool:
    """Print the board with an answer, the broken rules and their cells. Return whether no rule is broken."""
    puzzle = parse(text)
    grid = puzzle.parse_answer(answer)
    violations = puzzle.violations(grid)
    console.print(rich_text(puzzle, grid, puzzle.violated(grid)))
    if violations:
        console.print(f"[bold red]wrong[/]: {len(violations)} rule{'s' * (len(violations) > 1)} broken")
        _explain(violations, console)
    else:
        console.print("[bold green]solved[/]: no rule is broken")
    return not violations


def _who(result: Result) -> str:
    """Return who picked the answer of the first puzzle, with its rollout, Q and steps."""
    index = int(result.index[0])
    rollouts = result.rollouts
    by = "the rules" if result.winner[0] >= 0 else "its Q"
    started = int((rollouts.status[0] != Status.NOT_STARTED).sum())
    return (
        f"picked by {by}: rollout {index + 1} of {started} run (at most {rollouts.q.shape[1]}), "
        f"Q {float(rollouts.q[0, index]):+.2f} after {int(rollouts.steps[0, index])} steps"
    )


def _explain(violations: Sequence[str], console: Console) -> None:
    for code in violations:
        console.print(f"  {code}: {FAILCODES[code]}")

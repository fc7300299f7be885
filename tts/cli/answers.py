"""What ``tts solve`` and ``tts verify`` print."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from tts.puzzles import Board, parse
from tts.puzzles.drawing import rich_text
from tts.search import Result, Search, Status
from tts.verifiers.failcodes import WORDS


def solve_all(puzzles: Sequence[Board], search: Search, seed: int, console: Console) -> int:
    """Search the puzzles and print each answer as it comes; how many of them break the rules."""
    unsolved = 0
    for position, result in search.stream(puzzles, seed=seed):
        puzzle = puzzles[position]
        grid = search.model.codec.decode(puzzle, result.answers[0].numpy())
        broken = puzzle.violations(grid)
        unsolved += bool(broken)
        if len(puzzles) > 1:
            console.print(f"puzzle {position + 1} of {len(puzzles)}")
        console.print(rich_text(puzzle, grid, puzzle.violated(grid)))
        console.print(_who(result))
        if broken:
            console.print(f"[bold red]not solved[/]: none of {search.k} rollouts passed the rules; this is the best")
            _explain(broken, console)
        console.print()
    return unsolved


def verify_one(text: str, answer: str, console: Console) -> bool:
    """Check an answer, print the verdict, the broken rules in words and the board with the cells marked."""
    puzzle = parse(text)
    grid = puzzle.parse_answer(answer)
    broken = puzzle.violations(grid)
    console.print(rich_text(puzzle, grid, puzzle.violated(grid)))
    if broken:
        console.print(f"[bold red]wrong[/]: {len(broken)} rule{'s' * (len(broken) > 1)} broken")
        _explain(broken, console)
    else:
        console.print("[bold green]solved[/]: no rule is broken")
    return not broken


def _who(result: Result) -> str:
    index, rollouts = int(result.index[0]), result.rollouts
    by = "the rules" if result.winner[0] >= 0 else "its Q"
    started = int((rollouts.status[0] != Status.NOT_STARTED).sum())
    return (
        f"picked by {by}: rollout {index + 1} of {started} run (at most {rollouts.q.shape[1]}), "
        f"Q {float(rollouts.q[0, index]):+.2f} after {int(rollouts.steps[0, index])} steps"
    )


def _explain(broken: Sequence[str], console: Console) -> None:
    for code in broken:
        console.print(f"  {code}: {WORDS[code]}")

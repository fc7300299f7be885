"""The code in README runs as it is written."""

import re
from pathlib import Path

from tts.testing import check_strategy

ROOT = Path(__file__).parents[1]


def test_the_code_of_readme_runs_and_solves() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert len(blocks) == 2
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert names["checked"].valid.all()  # type: ignore[attr-defined]
    check_strategy(names["FadingNoise"](1.0))  # type: ignore[operator]


def test_the_line_every_user_writes() -> None:
    from tts import GaussianNoise, QSelector, Search, load

    model = load("sudoku-9x9")
    search = Search(model, GaussianNoise(0.1), QSelector(), k=128)
    assert (search.k, search.depth, search.stop, search.strategy.latents) == (128, 16, None, ("z",))  # type: ignore[attr-defined]

"""The code in docs/runs.md runs as it is written, one block after the other."""

import re
from pathlib import Path

from small_models import assert_equal

from tts.commands.ablating import NAMES

TEXT = (Path(__file__).parents[1] / "docs" / "runs.md").read_text()


def test_the_code_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    assert len(blocks) == 2
    names = {}
    for block in blocks:
        exec(compile(block, "runs.md", "exec"), names)
    assert names["run"].missing() == []
    assert_equal(names["result"], names["search"](names["data"].puzzles))


def test_the_page_lists_every_ablation():
    assert re.findall(r"^\| `(\w+)` \|", TEXT, flags=re.MULTILINE) == list(NAMES)

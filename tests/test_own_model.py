"""The code of docs/own-model.md runs as it is written, and the model on it is searched."""

import re
from pathlib import Path

from tts.testing import check_model

PAGE = Path(__file__).parents[1] / "docs" / "own-model.md"


def test_the_page_runs_and_its_model_solves() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    assert len(blocks) == 4
    code = [line for line in blocks[0].splitlines() if line.strip()]
    assert len(code[code.index("class Recurrent(RecursiveModel):") :]) <= 22
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, PAGE.name, "exec"), names)
    one, many, model = names["one"], names["many"], names["model"]
    assert many.valid.float().mean() >= one.valid.float().mean()  # type: ignore[attr-defined]
    assert many.valid.float().mean() > 0.7  # type: ignore[attr-defined]
    check_model(model)  # type: ignore[arg-type]  # trained, too

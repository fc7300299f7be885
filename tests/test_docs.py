"""What the pages and README say holds: their code runs as written, their commands exist, their links lead somewhere.

The Python blocks of a page run one after the other, in a folder of their own, as a reader would run them.
"""

import re
import shlex
import shutil
import tomllib
from importlib import import_module
from importlib.util import find_spec
from itertools import chain, pairwise
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
import yaml
from support.checkpoint_files import bare, write
from support.models import assert_equal
from typer.main import get_command

import tts
from tts import GaussianNoise, QSelector, Search, Selector, Stop, Strategy
from tts.cli import app
from tts.cli.ablate import NAMES
from tts.cli.expressions import plugin
from tts.datasets import FOLDER
from tts.errors import TTSError
from tts.testing import check_model, check_strategy

ROOT = Path(__file__).parents[1]
DOCS, DATA = ROOT / "docs", ROOT / "tests" / "data"
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
}
BLOCKS = {page: re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE) for page, text in PAGES.items()}
COMMANDS = get_command(app).commands  # type: ignore[attr-defined]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
WITH_RAY = "docs/scale.md"  # tests/runs/test_workers.py runs it, on a Ray for tests
EXPRESSIONS = {"--strategy": Strategy, "--selector": Selector, "--stop": Stop}
LINK = re.compile(r"\]\(([^)#\s]*)#?([^)\s]*)\)")


def prepare(page: str, folder: Path) -> None:
    """Lay out what a page takes for the reader's own."""
    if page == "docs/data.md":
        first = [line for line in (FOLDER / "sudoku_heldout.txt").read_text().splitlines() if line[0] != "#"]
        (folder / "puzzles.txt").write_text("\n".join(first[:3]))
    if page == "docs/checkpoints.md":
        shutil.copytree(DATA / "trm_mlp", folder / "runs" / "sudoku")
        shutil.copytree(DATA / "trm_att", folder / "runs" / "maze")
        (folder / "weights").mkdir()
        write(folder / "weights" / "model.pt", bare("trm_att"))


def outcome(page: str, names: dict[str, Any]) -> None:
    """What the code of a page has come to."""
    match page:
        case "README.md":
            assert names["checked"].valid.all()
            check_strategy(names["FadingNoise"](1.0))
        case "docs/index.md":
            assert names["result"].valid.all()
            right, q = names["result"].rollouts.correct(names["data"].labels())[0], names["result"].rollouts.q[0]
            assert 0 < right.sum() < len(right)  # their number depends on the last bits
            assert q[right].min() > 0 > q[~right].max()
        case "docs/quickstart.md":
            assert names["quick"].valid.all()
            assert names["checked"].valid.all()
        case "docs/own-model.md":
            one, many = names["one"].valid.float().mean(), names["many"].valid.float().mean()
            assert many >= one
            assert many > 0.7
            check_model(names["model"])  # trained, too
        case "docs/own-strategy.md":
            order = names["torch"].tensor([[0.0, 3.0, 1.0, 2.0, -1.0]])
            parents = names["Tournament"]().resample(order, names["torch"].tensor([4]), None)
            assert parents.tolist() == [[1, 1, 2, 3, 3]]
        case "docs/runs.md":
            assert names["run"].missing() == []
            assert_equal(names["result"], names["search"](names["data"].puzzles))
        case "docs/data.md":
            assert len(names["labels"]) == 2
        case "docs/checkpoints.md":
            assert names["model"].config.seq_len == 900
        case "docs/training.md":
            assert names["trainer"].updates == 100


@pytest.mark.parametrize("page", [page for page, blocks in BLOCKS.items() if blocks and page != WITH_RAY])
def test_the_code_of_a_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(page, tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in BLOCKS[page]:
        exec(compile(block, page, "exec"), names)
    outcome(page, names)


@pytest.mark.parametrize("page", [page for page, blocks in BLOCKS.items() if blocks])
def test_the_code_of_a_page_imports_from_packages(page: str) -> None:
    """Not from the modules inside them."""
    for name in re.findall(r"^from (tts[\w.]*) import", "".join(BLOCKS[page]), re.MULTILINE):
        assert hasattr(import_module(name), "__path__"), f"{page} imports from {name}"


@pytest.mark.parametrize("page", PAGES)
def test_no_code_of_a_page_escapes(page: str) -> None:
    fences = re.findall(r"^\s*(?:```|~~~)(.*)$", PAGES[page], re.MULTILINE)
    assert fences == ["python", ""] * len(BLOCKS[page]), "write Python in ``` python fences, and commands indented"


def shell_lines(text: str) -> list[str]:
    """Indented lines outside fences and lists, joined where they end in a backslash."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE).replace("\\\n", " ")
    return [line.strip() for line in re.findall(r"^ {4}(\S.*)$", prose, re.MULTILINE)]


def check_command(words: list[str], whole: bool) -> None:
    """What a line of a terminal calls exists and takes what it is given; ``whole``: nothing is left out of it."""
    match words:
        case ["tts", name, *arguments]:
            command = COMMANDS[name]
            options = set(chain.from_iterable((*option.opts, *option.secondary_opts) for option in command.params))
            given = [word for word in arguments if word.startswith("--")]
            assert set(given) <= {*options, "--help"}, f"tts {name} takes {sorted(options)}"
            if whole:
                command.make_context(name, list(arguments))
            for option, value in pairwise(arguments):
                if option in EXPRESSIONS:
                    plugin(value, EXPRESSIONS[option])
        case ["make", target, *_]:
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        case ["python", "-m", module, *_]:
            assert find_spec(module)
        case ["python", script, *arguments]:
            source = (ROOT / script).read_text()
            assert all(f'"{word}"' in source for word in arguments if word.startswith("--"))


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_exist(page: str) -> None:
    for line in shell_lines(PAGES[page]):
        if line.startswith(("tts ", "make ", "python ")):
            check_command(shlex.split(line, comments=True), whole=True)
    for inline in re.findall(r"`((?:tts|make|python) [^`\n]+)`", PAGES[page]):
        check_command([word for word in shlex.split(inline) if word != "..."], whole=False)


def test_a_wrong_command_is_found() -> None:
    for words in (
        ["tts", "sovle"],
        ["tts", "solve", "--kk", "3"],
        ["make", "nothing"],
        ["python", "-m", "tts.nothing"],
    ):
        with pytest.raises((AssertionError, KeyError)):
            check_command(words, whole=False)
    with pytest.raises(TTSError):
        check_command(["tts", "evaluate", "a", "b", "--stop", "Never()"], whole=True)
    with pytest.raises(Exception, match="Missing"):
        check_command(["tts", "evaluate", "sudoku-9x9"], whole=True)


@pytest.mark.parametrize("page", PAGES)
def test_the_extras_of_a_page_exist(page: str) -> None:
    named = re.findall(r"test-time-search\[([\w,]+)\]", PAGES[page])
    named += re.findall(r"\bextra:? `\[?(\w+)\]?`", PAGES[page])
    assert {extra for names in named for extra in names.split(",")} <= set(EXTRAS)


def anchors(text: str) -> set[str]:
    """Of the headings of a page, and of what its API documents."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    slugs = {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}
    return slugs | set(re.findall(r"^::: (\S+)$", text, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES)
def test_the_links_of_a_page_lead_somewhere(page: str) -> None:
    for target, anchor in LINK.findall(PAGES[page]):
        if not target.startswith(("https://", "http://")):
            path = ((ROOT / page).parent / target).resolve() if target else ROOT / page
            assert path.is_file(), f"{page} links to {target}"
            if anchor:
                known = anchors(path.read_text())
                assert anchor in known, f"{page} links to {target}#{anchor}; there are {sorted(known)}"


def leaves(nav: Any) -> list[str]:
    """The pages of a table of contents."""
    if isinstance(nav, str):
        return [nav]
    return [page for part in (nav.values() if isinstance(nav, dict) else nav) for page in leaves(part)]


def test_the_site_has_every_page_and_no_other() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    assert sorted(leaves(nav)) == sorted(page.removeprefix("docs/") for page in PAGES if page.startswith("docs/"))


def documented() -> list[str]:
    return [name for text in PAGES.values() for name in re.findall(r"^::: (\S+)$", text, re.MULTILINE)]


@pytest.mark.parametrize("name", documented())
def test_what_the_reference_names_exists(name: str) -> None:
    assert resolve_name(name).__doc__


def test_the_reference_has_all_of_the_public_face() -> None:
    errors = {name for name in tts.__all__ if name.endswith("Error")}  # those of tts.errors, as a whole
    assert {f"tts.{name}" for name in set(tts.__all__) - errors - {"State", "__version__"}} <= set(documented())


@pytest.mark.parametrize("page", PAGES)
def test_the_modules_and_files_of_a_page_exist(page: str) -> None:
    for name in re.findall(r"`(tts\.[\w.]*\w)", PAGES[page]):
        resolve_name(name)
    for path in re.findall(r"`((?:benchmarks|docs|scripts|tests|tts)/[\w./]+)`", PAGES[page]):
        assert (ROOT / path).exists()


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_all_that_stands_as_code_exists(page: str) -> None:
    """Paths are those of the repository, names those of the package or of what it depends on."""
    for name in re.findall(r"`([A-Za-z_][\w./]*)`", PAGES[page]):
        if not (ROOT / name).exists():
            resolve_name(name if name.partition(".")[0] in ("attrs", "torch", "tts") else f"tts.{name}")


def test_the_map_has_every_package_from_top_to_bottom() -> None:
    (layers, *_) = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    packages = [name for layer in layers["layers"] for name in layer.split(" | ")]
    assert re.findall(r"^\| `(\w+)` \|", PAGES["docs/architecture.md"], flags=re.MULTILINE) == packages


def test_every_ablation_is_listed() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGES["docs/runs.md"], flags=re.MULTILINE) == list(NAMES)


def test_a_model_of_your_own_is_short() -> None:
    code = [line for line in BLOCKS["docs/own-model.md"][0].splitlines() if line.strip()]
    assert len(code[code.index("class Recurrent(RecursiveModel):") :]) <= 22


def test_the_line_every_user_writes() -> None:
    search = Search(tts.load("sudoku-9x9"), GaussianNoise(0.1), QSelector(), k=128)
    assert (search.k, search.depth, search.stop, search.strategy.latents) == (128, 16, None, ("z",))  # type: ignore[attr-defined]

"""The report holds what was run, escapes what it is given, reads what is kept, and says what is missing."""

import base64
import json
import re
import zlib
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch
from support.models import Reveal, Script, Scripted, Wanderer, random_tokens
from support.reports import BOARDS, NAMES, STEPS, mixed_search
from support.runs import DATA, TOKENS, labelled, search
from typer.testing import CliRunner

from tts import (
    Chain,
    Dataset,
    GaussianNoise,
    Identity,
    MajorityVote,
    QSelector,
    Search,
    Store,
    VarietyCodec,
    Verified,
    compare,
)
from tts.cli import app
from tts.errors import ShapeError, StoreError, TTSError
from tts.evaluation import rollout_curves
from tts.puzzles import MixedCodec
from tts.puzzles.drawing import Picture, cell_svg
from tts.report import write_report
from tts.report.boards import read_board
from tts.report.folders import folder_page
from tts.report.player import KINDS, choose_puzzles
from tts.report.subject import Subject
from tts.runs import MANIFEST
from tts.strategies import TargetedNoise
from tts.testing import Jitter


def data_of(path):
    """What the page's script reads."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text(), re.DOTALL)
    return json.loads(found[1])


def arrays_of(puzzle):
    """The packed arrays of a puzzle, by name."""
    content, arrays, offset = zlib.decompress(base64.b64decode(puzzle["blob"])), {}, 0
    for name, kind, length in puzzle["layout"]:
        arrays[name] = np.frombuffer(content, f"<{kind}", length, offset)
        offset += arrays[name].nbytes
    assert offset == len(content)
    k, cells = len(puzzle["rollouts"]), int(np.prod(puzzle["size"]))
    shapes = {"q": (k, -1), "frame": (k, -1), "label": (cells,), "labelled": (cells,)}
    frames = len(arrays["looks"]) // cells
    return {name: x.reshape(shapes.get(name, (frames, -1))) for name, x in arrays.items()}


def test_every_step_of_every_variety_is_in_the_page_as_it_was_recorded_and_drawn_as_the_svg(tmp_path):
    made = mixed_search()
    result = made(BOARDS)
    data = data_of(write_report(result, tmp_path / "r.html", search=made, puzzles=BOARDS))["player"]
    assert sorted(puzzle["number"] for puzzle in data["puzzles"]) == list(range(1, 8))
    for puzzle in data["puzzles"]:
        b, arrays = puzzle["number"] - 1, arrays_of(puzzle)
        frame = arrays["frame"]
        np.testing.assert_array_equal(arrays["answers"][frame], result.rollouts.record["answers"][b].numpy())
        np.testing.assert_array_equal(arrays["q"], result.rollouts.record["q"][b].numpy())
        for k, t in np.ndindex(3, 5):
            answer = result.rollouts.record["answers"][b, k, t].long()
            grid = made.model.codec.decode(BOARDS[b], answer.numpy())
            shown = [data["shapes"][look] for look in arrays["looks"][frame[k, t]]]
            drawn = [cell_svg(cell) for row in Picture.of(BOARDS[b], grid, None).cells for cell in row]
            assert [tuple(shape) for shape in shown] == drawn
            broken = result.verifier.violations(result.tokens[b : b + 1], answer[None])
            np.testing.assert_array_equal(arrays["broken"][frame[k, t]], broken.cells[0].numpy())
            np.testing.assert_array_equal(arrays["rules"][frame[k, t]], broken.rules[0].numpy())


@pytest.mark.parametrize("place", range(7))
def test_boards_are_read_back_from_their_tokens(place):
    board = BOARDS[place]
    for codec in (MixedCodec(NAMES, 6, 6), VarietyCodec(board.variety, 6, 6), VarietyCodec(board.variety, 9, 9)):
        if codec.height == 9 and board.variety == "sudoku":
            continue  # its boxes are others
        assert read_board(codec, codec.encode(board)[0]) == board


def test_noise_is_marked_where_it_acts(tmp_path):
    made = mixed_search(strategy=Chain(Jitter(0.5), TargetedNoise(0.5, ("y",), reach=2)))
    result = made(BOARDS[:2])
    data = data_of(write_report(result, tmp_path / "r.html", search=made))["player"]
    assert data["noise"] == "TargetedNoise"
    for puzzle in data["puzzles"]:
        arrays = arrays_of(puzzle)
        assert arrays["noise"].mean() > 0
        for broken, noise in zip(arrays["broken"].reshape(-1, 6, 6), arrays["noise"].reshape(-1, 6, 6), strict=True):
            for y, x in np.ndindex(6, 6):
                assert noise[y, x] == broken[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3].any()


def scripted(right_from):
    """A result of puzzles whose rollouts (rows) are right from a step on; the first rollout has the highest q."""
    from_step = np.array(right_from)
    answer = np.where(np.arange(6) >= from_step[:, :, None], 1, 2)
    q = np.zeros(answer.shape) - np.arange(from_step.shape[1])[:, None] - 1.0
    script = Script(q, answer)
    made = Search(Scripted(script), Reveal(), QSelector(), k=from_step.shape[1], depth=6, record=STEPS)
    tokens = torch.arange(len(from_step))[:, None]
    return made, made(tokens), torch.ones(len(from_step), 1, dtype=torch.int64)


def test_kinds_of_puzzles_come_in_turn_the_latest_successes_first():
    never = 9
    made, result, labels = scripted([[0, 0], [4, 0], [never, never], [5, 5], [never, 2], [never, never], [2, 2]])
    found = Subject.of(result, labels, 0, made, None)
    assert [(choice.puzzle, choice.kind) for choice in choose_puzzles(found, 99)] == [
        (2, "failure"),
        (4, "missed"),
        (3, "delayed success"),
        (0, "quick success"),
        (5, "failure"),
        (1, "delayed success"),
        (6, "quick success"),
    ]
    assert len(choose_puzzles(found, 3)) == 3
    assert set(KINDS) >= {choice.kind for choice in choose_puzzles(Subject.of(result, None, 0, None, None), 9)}


def test_a_rollout_that_stopped_keeps_its_last_step(tmp_path):
    made = search(stop=Verified(), k=6, depth=8, record=STEPS)
    result = made(TOKENS)
    assert (result.rollouts.steps[result.rollouts.steps > 0] < 8).any()
    for puzzle in data_of(write_report(result, tmp_path / "r.html", search=made, shown=99))["player"]["puzzles"]:
        b, arrays = puzzle["number"] - 1, arrays_of(puzzle)
        for row, rollout in enumerate(puzzle["rollouts"]):
            k, steps = rollout["number"], rollout["steps"]
            assert steps == result.rollouts.steps[b, k] > 0
            for t in range(puzzle["depth"]):
                shown = arrays["answers"][arrays["frame"][row, t]]
                expected = result.rollouts.record["answers"][b, k, min(t, steps - 1)]
                np.testing.assert_array_equal(shown, expected.numpy())


def test_without_records_answers_alone_are_played_and_the_page_says_how_to_get_the_steps(tmp_path):
    made = search()
    result = made(TOKENS)
    path = write_report(result, tmp_path / "r.html", labels=result.answers, search=made, rollouts=2)
    puzzle = data_of(path)["player"]["puzzles"][0]
    assert (puzzle["depth"], len(puzzle["rollouts"])) == (1, 2)
    assert any(rollout["picked"] for rollout in puzzle["rollouts"])
    assert "record=(&#x27;answers&#x27;, &#x27;q&#x27;)" in path.read_text()


def test_what_comes_from_outside_is_escaped_and_nothing_is_fetched(tmp_path):
    made = search(record=STEPS)
    evil = "</script><script>alert(1)</script>{{data}}<!--"
    compared = compare(made.model, labelled(made), {evil: made})
    path = write_report(compared, tmp_path / "r.html", title=evil, player=made(TOKENS), search=made)
    text = path.read_text()
    assert "alert(1)</script>" not in text
    assert text.count("<script") == text.count("</script>") == 2
    assert data_of(path)["charts"][0]["lines"][0]["name"] == evil
    assert "default-src &#x27;none&#x27;" in text or "default-src 'none'" in text
    assert set(re.findall(r"https?://[^\s\"'`<]+", text)) == {"http://www.w3.org/2000/svg"}


def test_curves_are_those_of_the_result(tmp_path):
    made = search(record=STEPS)
    result = made(TOKENS)
    labels = result.rollouts.answers[:, 0].long()
    charts = {
        chart["title"]: chart for chart in data_of(write_report(result, tmp_path / "r.html", labels=labels))["charts"]
    }
    curves = rollout_curves(result, labels)
    lines = {line["name"]: line for line in charts["accuracy against the number of rollouts"]["lines"]}
    assert lines.keys() == curves.keys()
    for name, curve in curves.items():
        np.testing.assert_allclose(lines[name]["y"], 100 * curve.mean, rtol=1e-4, atol=1e-9)
        np.testing.assert_allclose(lines[name]["low"], 100 * curve.low, rtol=1e-4, atol=1e-9)
    depth = {line["name"]: line["y"] for line in charts["accuracy against depth"]["lines"]}
    for name in ("pass@K", "best-Q@K"):
        assert depth[name][-1] == pytest.approx(lines[name.lower().replace("best-q", "best-Q")]["y"][-1], rel=1e-4)
    assert len(charts["Q over the steps"]["lines"]) == len(charts["cells over the steps"]["lines"]) == 2


def test_labels_or_a_search_of_something_else_are_refused(tmp_path):
    made = search()
    result, path = made(TOKENS), tmp_path / "r.html"
    with pytest.raises(ShapeError, match=r"labels must be integer \[B, L\] = \[14, 6\]"):
        write_report(result, path, labels=TOKENS[:3])
    with pytest.raises(TTSError, match="has 5 rollouts of 6 cells a puzzle, the search 4 of 6: pass the search that"):
        write_report(result, path, search=attrs.evolve(made, k=4))
    with pytest.raises(ShapeError, match="1 puzzles, a result of 14"):
        write_report(result, path, puzzles=BOARDS[:1])
    with pytest.raises(TypeError, match="a report is of a Result or a Comparison; got a str"):
        write_report("runs/hard", path)
    with pytest.raises(StoreError, match="cannot be written"):
        write_report(result, tmp_path / "no" / "r.html")
    assert not path.exists()


def test_a_run_folder_tells_what_its_result_tells(tmp_path):
    made = mixed_search(strategy=GaussianNoise(0.6, ("y",)))
    labels = made(BOARDS).rollouts.answers[:, 0].long()
    labels[3] = 1  # which no rollout answers
    run = Store.open(tmp_path / "run", made, Dataset("boards", BOARDS, answers=labels), shard=4)
    run.fill()
    direct = data_of(write_report(run.result(), tmp_path / "a.html", labels=labels, search=made, shown=20))
    code = CliRunner().invoke(
        app, ["report", str(tmp_path / "run"), "--out", str(tmp_path / "b.html"), "--puzzles", "20"]
    )
    assert code.exit_code == 0, code.output
    kept = data_of(tmp_path / "b.html")
    titles = [chart["title"] for chart in kept["charts"]]
    assert "accuracy against the number of rollouts" in titles
    known = {chart["title"]: chart for chart in direct["charts"]}
    for chart in kept["charts"]:
        assert chart == known[chart["title"]]
    theirs = {puzzle["number"]: puzzle for puzzle in direct["player"]["puzzles"]}
    for puzzle in kept["player"]["puzzles"]:
        ours, other = arrays_of(puzzle), arrays_of(theirs[puzzle["number"]])
        np.testing.assert_array_equal(ours["answers"][ours["frame"]], other["answers"][other["frame"]])
        marked = ours["labelled"] == 1  # a run keeps no labels: they are told from its right rollouts
        np.testing.assert_array_equal(ours["label"][marked], labels[puzzle["number"] - 1].numpy()[marked])
        assert puzzle["labelled"] == (puzzle["solved"][0] > 0)


def test_folders_of_several_runs_play_the_widest(tmp_path):
    made = search()
    searches = {
        "alone": search(strategy=Identity(), k=1),
        "noise": made,
        "vote": search(made.model, selector=MajorityVote()),
    }
    searches = {name: attrs.evolve(one, model=made.model) for name, one in searches.items()}
    compared = compare(made.model, labelled(made), searches, out=tmp_path / "runs" / "store")
    compared.save(tmp_path / "runs" / "table.csv")
    page = folder_page(tmp_path / "runs", 3, 9, "")
    assert [row[0] for row in page.tables[0].rows] == list(searches)
    assert page.charts[0].title == "accuracy against compute"
    assert page.player["of"] == [14, 5]
    rows = {row.search: row for row in compared.rows()}
    for line in page.charts[0].lines:
        assert line.y[0] == pytest.approx(100 * rows[line.name].accuracy.mean, abs=1e-3)
    alone = folder_page(tmp_path / "runs" / "table.csv", 3, 9, "")
    assert (alone.player, alone.tables[0]) == (None, page.tables[0])


def test_what_is_no_run_is_named(tmp_path):
    with pytest.raises(StoreError, match="there is no"):
        folder_page(tmp_path / "nothing", 1, 1)
    with pytest.raises(StoreError, match="holds no run"):
        folder_page(tmp_path, 1, 1)
    run = Store.open(tmp_path / "run", search(), DATA, shard=7)
    run.write(0, run.compute(0))
    with pytest.raises(StoreError, match="shard 1 of 2 is missing or damaged; finish the run first"):
        folder_page(tmp_path / "run", 1, 1)
    (tmp_path / "run" / MANIFEST).write_text('{"run": 3}')
    with pytest.raises(StoreError, match="is damaged"):
        folder_page(tmp_path / "run", 1, 1)
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(StoreError, match="neither the CSV of a comparison nor that of an evaluation"):
        folder_page(tmp_path / "x.csv", 1, 1)


def test_the_command_searches_and_keeps_every_step(tmp_path):
    out = tmp_path / "r.html"
    words = [
        "report",
        "sudoku-9x9",
        "--data",
        "bundled:hard",
        "--limit",
        "1",
        "--k",
        "2",
        "--depth",
        "2",
        "--device",
        "cpu",
    ]
    found = CliRunner().invoke(app, [*words, "--out", str(out)])
    assert found.exit_code == 0, found.output
    puzzle = data_of(out)["player"]["puzzles"][0]
    assert (puzzle["size"], puzzle["depth"], puzzle["labelled"]) == ([9, 9], 2, True)
    assert "sudoku-9x9 on bundled:hard" in out.read_text()
    refused = CliRunner().invoke(app, ["report", str(tmp_path / "no")])
    assert (refused.exit_code, refused.output.startswith("tts: there is no ")) == (2, True)


def test_plain_tokens_are_drawn_where_nothing_says_what_they_mean(tmp_path):
    made = Search(Wanderer(), GaussianNoise(0.5), QSelector(), k=2, depth=2, record=STEPS)
    result = made(random_tokens(1))
    data = data_of(write_report(result, tmp_path / "r.html"))["player"]
    puzzle = data["puzzles"][0]
    assert puzzle["title"] == "tokens, 2 rows by 3 columns"
    for look, token in zip(*(arrays_of(puzzle)[name].ravel() for name in ("looks", "answers")), strict=True):
        assert f">{token}</text>" in data["shapes"][look][0]


def test_the_code_of_the_documentation_runs(tmp_path, monkeypatch):
    blocks = re.findall(
        r"```python\n(.*?)```", (Path(__file__).parents[2] / "docs" / "report.md").read_text(), re.DOTALL
    )
    assert len(blocks) == 2
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks:
        exec(compile(block, "report.md", "exec"), names)
    assert data_of(Path("report.html"))["player"] == data_of(Path("comparison.html"))["player"]

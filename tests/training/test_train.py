"""Training: what an update does, that a run continues exactly where it stopped, and what the examples are."""

from __future__ import annotations

import csv
import math
import os
import re
import shutil
import signal
from itertools import count
from pathlib import Path
from typing import get_type_hints

import attrs
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.devices import DEVICES
from support.models import small_config
from torch import Tensor
from typer.testing import CliRunner

from tts import TRM, TTSError, VarietyCodec, load
from tts.cli import app
from tts.cli.train import train as command
from tts.datasets import Dataset, pencils_6x6
from tts.interfaces import Readout
from tts.models import TwoLatentModel
from tts.plots import training_curves
from tts.puzzles import Sudoku
from tts.training import (
    PRESETS,
    Group,
    Mixture,
    Preset,
    Schedule,
    Settings,
    Trainer,
    as_group,
    evaluate,
    look_around,
    make_sudokus,
    train,
)
from tts.training.run import fresh_model
from tts.training.trainer import loss_of, read_state, write_state

CODEC = VarietyCodec("sudoku", 4, 4)
SMALL = Settings(batch=16, depth=4, warmup=5, lr=3e-3, seed=3)


def small_model(seed: int = 0) -> TRM:
    return TRM(small_config(CODEC, hidden_size=32, mlp_t=True), CODEC, seed=seed)


def four_by_four(folder: Path) -> list[tuple[Group, Group]]:
    return [make_sudokus(folder / "four.npz", 4, 300, seed=7, clues=(6, 10)).groups("sudoku", box=(2, 2))]


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Mixture:
    return Mixture([train for train, _ in four_by_four(tmp_path_factory.mktemp("data"))])


@pytest.fixture
def preset() -> Preset:
    def tests() -> dict[str, Dataset]:
        board = Sudoku((1, 2, 3, 4, 3, 4, 1, 2, 2, 1, 4, 3, 4, 3, 2, 0), 2, 2)
        answers = torch.tensor([[2, 3, 4, 5, 4, 5, 2, 3, 3, 2, 5, 4, 5, 4, 3, 2]])
        return {"one": Dataset("one", (board,), answers=answers)}

    return Preset(
        name="small", codec=CODEC, config=small_model().config, settings=SMALL, data=four_by_four, tests=tests
    )


def equal(one: object, other: object) -> bool:
    """The same tensors and values, to the bit, in nested containers."""
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(equal(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return isinstance(other, list | tuple) and len(one) == len(other) and all(map(equal, one, other))
    return one == other


def test_ten_updates_are_five_and_five_after_a_resume(preset: Preset, tmp_path: Path) -> None:
    data = tmp_path / "data"
    train(preset, tmp_path / "whole", Schedule(updates=10), data=data)
    half = attrs.evolve(preset, settings=SMALL)
    run = tmp_path / "halves"
    # the schedules follow progress: a run of 10 that is cut off after 5, not one of 5
    trainer = Trainer(TRM(preset.config, CODEC, seed=SMALL.seed), Mixture([four_by_four(data)[0][0]]), SMALL)
    for update in range(5):
        trainer.update(update / 10)
    run.mkdir()
    write_state(trainer.state() | {"seconds": 0.0, "preset": "small"}, run / "state.pt")
    train(half, run, Schedule(updates=10), resume=True, data=data)
    whole, halves = read_state(tmp_path / "whole" / "state.pt"), read_state(run / "state.pt")
    whole.pop("seconds"), halves.pop("seconds")
    assert halves["updates"] == 10
    assert equal(whole, halves)
    cut = read_state(run / "state.pt")
    assert not equal(trainer.state()["model"], cut["model"])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_training_learns(examples: Mixture, dtype: torch.dtype, device: str) -> None:
    settings = attrs.evolve(SMALL, batch=64, reveal=(0.0, 0.0))
    trainer = Trainer(small_model().to(device), examples, settings, dtype=dtype)
    losses = [trainer.update(0.0) for _ in range(120)]
    first, last = losses[:10], losses[-10:]
    assert sum(x.cells for x in last) / 10 > sum(x.cells for x in first) / 10 + 0.2
    assert sum(x.loss for x in last) < 0.8 * sum(x.loss for x in first)
    tensors = [*trainer.model.parameters(), *trainer.average.parameters(), trainer.lanes["y"], trainer.lanes["z"]]
    assert {x.dtype for x in tensors} == {torch.float32}


def test_products_are_taken_in_the_dtype_that_was_asked_for(examples: Mixture) -> None:
    settings = attrs.evolve(SMALL, batch=64)
    wide, narrow = (
        Trainer(small_model(), examples, settings, dtype=dtype).update(0.0).loss
        for dtype in (torch.float32, torch.bfloat16)
    )
    assert narrow != wide
    assert narrow == pytest.approx(wide, rel=0.02)


def test_lanes_end_at_halting_or_at_full_depth_and_explorers_stay(examples: Mixture) -> None:
    for bias, exploration, most in ((9.0, 0.0, 1), (9.0, 1.0, 4), (-9.0, 0.0, 4)):
        model = small_model()
        with torch.no_grad():
            model.q_head.bias[0] = bias
        trainer = Trainer(model, examples, attrs.evolve(SMALL, exploration=exploration, lr=1e-9))
        seen = []
        for _ in range(5):
            trainer.update(0.0)
            lanes = trainer.lanes
            seen.append(lanes["steps"][lanes["ended"]])
            if bias > 0:
                assert (lanes["ended"] == (lanes["steps"] >= lanes["least"].clamp(min=1))).all()
        steps = torch.cat(seen)
        assert int(steps.max()) == most
        assert exploration > 0 or set(steps.tolist()) == {most}


@pytest.mark.parametrize(("progress", "most"), [(0.0, 1), (0.5, 2), (1.0, 4)])
@pytest.mark.parametrize("exploration", [0.0, 1.0])
def test_lanes_end_earlier_at_the_beginning(examples: Mixture, progress: float, most: int, exploration: float) -> None:
    settings = attrs.evolve(SMALL, early_depth=1, exploration=exploration, lr=1e-9)  # a fresh Q never halts
    trainer = Trainer(small_model(), examples, settings)
    for update in range(1, 9):
        trainer.update(progress)
        assert (trainer.lanes["steps"] == (update - 1) % most + 1).all()
        assert (trainer.lanes["ended"] == (update % most == 0)).all()
        assert int(trainer.lanes["least"].max()) <= max(2, most)


@given(early=st.integers(1, 16), depth=st.integers(1, 16), progress=st.floats(0, 1))
def test_the_depth_grows_by_equal_factors(early: int, depth: int, progress: float) -> None:
    if early > depth:
        with pytest.raises(TTSError, match=f"early_depth is {early}; it must lie between 1 and depth, {depth}"):
            Settings(early_depth=early, depth=depth)
        return
    settings = Settings(early_depth=early, depth=depth)
    assert (settings.depth_at(0.0), settings.depth_at(1.0)) == (early, depth)
    assert abs(settings.depth_at(progress) - early ** (1 - progress) * depth**progress) <= 0.5 + 1e-9
    assert Settings(depth=depth).depth_at(progress) == depth


def test_a_puzzle_gets_at_least_one_step() -> None:
    for early in (None, 1):
        with pytest.raises(TTSError, match="depth is 0; a puzzle gets at least one step"):
            Settings(depth=0, early_depth=early)


def test_a_refilled_lane_begins_again_and_the_others_continue(examples: Mixture) -> None:
    trainer = Trainer(small_model(), examples, SMALL)
    trainer.update(0.0)
    trainer.lanes["ended"][:] = torch.arange(16) < 5
    before = {name: value.clone() for name, value in trainer.lanes.items()}
    trainer._refill(0.0)
    start = trainer.model.start(5)
    assert (trainer.lanes["steps"] == torch.tensor([0] * 5 + [1] * 11)).all()
    assert torch.equal(trainer.lanes["z"][:5], start["z"])
    for name in ("tokens", "labels", "y", "z"):
        assert torch.equal(trainer.lanes[name][5:], before[name][5:])
        assert not torch.equal(trainer.lanes[name][:5], before[name][:5])


def test_the_average_follows_the_weights(examples: Mixture) -> None:
    trainer = Trainer(small_model(), examples, attrs.evolve(SMALL, ema=0.5))
    mean = {name: value.clone() for name, value in trainer.average.named_parameters()}
    for update in range(12):
        trainer.update(0.0)
        decay = min(0.5, 1 - 10 / (update + 10))
        for name, value in trainer.model.named_parameters():
            mean[name] = decay * mean[name] + (1 - decay) * value.detach()
    for name, value in trainer.average.named_parameters():
        torch.testing.assert_close(value, mean[name])


def test_the_loss_counts_cells_and_q() -> None:
    logits = torch.zeros(2, 4, 3)
    labels = torch.tensor([[1, 1, 1, 1], [2, 0, 0, 0]])
    logits[0, :, 1] = 50.0
    logits[1, 1:, 2] = 1.0  # on pads, where no answer is wrong
    loss, right = loss_of(Readout(logits, torch.tensor([2.0, -1.0]), torch.tensor([True, False])), labels)
    assert right.tolist() == [[True] * 4, [False, True, True, True]]
    cells = math.log(3) / 5  # four sure cells, one at chance, pads not counted
    halting = (math.log(1 + math.exp(-2.0)) + math.log(1 + math.exp(-1.0))) / 2
    assert float(loss) == pytest.approx(cells + 0.5 / 2 * halting, abs=1e-6)


@given(st.floats(0.05, 1.0), st.floats(-6.0, 6.0))
def test_generalised_cross_entropy_scales_the_gradient_by_p_to_its_power(gce: float, logit: float) -> None:
    def of(power: float) -> tuple[float, float]:
        logits = torch.tensor([[[0.0, logit, 0.0], [3.0, 1.0, 2.0]]], dtype=torch.float64, requires_grad=True)
        sure = torch.tensor([40.0 if logit > 0 else -40.0])  # a Q that is right, and costs nothing
        readout = Readout(logits, sure, sure > 0)
        loss, _ = loss_of(readout, torch.tensor([[1, 0]]), power)
        (slope,) = torch.autograd.grad(loss, logits)
        assert not slope[0, 1].any()  # a pad
        return loss.item(), slope[0, 0, 1].item()

    p = math.exp(logit) / (math.exp(logit) + 2)
    plain, steep = of(0.0)
    loss, slope = of(gce)
    assert plain == pytest.approx(-math.log(p))
    assert loss == pytest.approx((1 - p**gce) / gce)
    assert slope == pytest.approx(p**gce * steep)


def test_an_update_takes_the_loss_of_its_settings(examples: Mixture) -> None:
    def first(gce: float) -> float:
        return Trainer(small_model(), examples, attrs.evolve(SMALL, gce=gce)).update(0.0).loss

    assert first(1.0) < first(0.5) < first(0.0)  # 1 - p < 2 (1 - sqrt(p)) < -log p
    with pytest.raises(TTSError, match=r"gce is 1\.5"):
        Settings(gce=1.5)


def test_the_rate_warms_up_stays_and_falls_to_a_tenth() -> None:
    chosen = Settings(lr=1.0, warmup=10, decay_from=0.5)
    assert chosen.rate(0, 0.0) == pytest.approx(0.1)
    assert chosen.rate(9, 0.2) == chosen.rate(900, 0.5) == pytest.approx(1.0)
    assert chosen.rate(900, 0.75) == pytest.approx(0.55)
    assert chosen.rate(900, 1.0) == pytest.approx(0.1)


def test_a_run_leaves_a_log_evaluations_and_a_model_that_loads(preset: Preset, tmp_path: Path) -> None:
    out = tmp_path / "run"
    solved = train(preset, out, Schedule(updates=40, log_every=10))
    assert set(solved) == {"one"}
    with (out / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["update"]) for row in rows] == [10, 20, 30, 40]
    with (out / "evaluations.csv").open() as file:
        last = list(csv.DictReader(file))[-1]
    model = load(out / "model.safetensors")
    held = four_by_four(out / "data")[0][1]
    assert float(last["sudoku"]) == pytest.approx(evaluate(model, [held], SMALL.depth)["sudoku"], abs=1e-4)
    with pytest.raises(TTSError, match="holds a run already"):
        train(preset, out, Schedule(updates=40))
    with pytest.raises(TTSError, match="no run to resume"):
        train(preset, tmp_path / "other", Schedule(updates=40), resume=True)
    with pytest.raises(TTSError, match="is a run of small, not of other"):
        train(attrs.evolve(preset, name="other"), out, Schedule(updates=50), resume=True)
    (out / "state.pt").write_bytes(b"damaged")
    with pytest.raises(TTSError, match="is not a training state that can be resumed"):
        train(preset, out, Schedule(updates=50), resume=True)


def test_a_run_is_drawn(preset: Preset, tmp_path: Path) -> None:
    with pytest.raises(TTSError, match=r"log\.csv is not a log of a training run"):
        training_curves(tmp_path)
    train(preset, tmp_path / "run", Schedule(updates=4, log_every=2))
    figure = training_curves(tmp_path / "run")
    loss, solved = (axes.lines[0] for axes in figure.axes)
    logged = [float(row["loss"]) for row in csv.DictReader((tmp_path / "run" / "log.csv").open())]
    assert list(loss.get_ydata()) == logged
    assert len(logged) == 2
    assert solved.get_label() == "sudoku"
    assert 0 <= solved.get_ydata()[0] <= 100
    (tmp_path / "run" / "log.csv").write_text("a,b\n1,2\n")
    with pytest.raises(TTSError, match="it has no column minutes"):
        training_curves(tmp_path / "run")


def test_an_end_is_needed_and_progress_is_the_nearer_one() -> None:
    with pytest.raises(TTSError, match="give minutes or updates"):
        Schedule()
    assert Schedule(minutes=2.0, updates=100).progress(30, 12.0) == pytest.approx(0.3)
    assert Schedule(minutes=2.0, updates=100).progress(30, 90.0) == pytest.approx(0.75)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_fit_their_test_puzzles(name: str) -> None:
    preset = PRESETS[name]
    codec = preset.codec
    for group in preset.test_groups():
        assert group.tokens.shape[1] == preset.config.seq_len
        assert group.identifier < preset.config.num_puzzle_identifiers
        assert codec.verifier is not None
        assert codec.verifier.valid(group.tokens, group.labels).all()
    assert fresh_model(preset, seed=0).config == preset.config


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_has_the_tokens_and_identifiers_of_the_embedded_model_of_its_name(name: str) -> None:
    assert load(name).codec == PRESETS[name].codec


def test_a_preset_may_begin_with_embedded_weights() -> None:
    begun = fresh_model(PRESETS["sudoku-9x9-deep"], seed=0)
    assert (begun.config.H_cycles, begun.config.L_cycles) == (3, 6)
    weights = load("sudoku-9x9-hard").state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in begun.state_dict().items())


def test_a_preset_may_begin_by_looking_around() -> None:
    preset = PRESETS["pencil-6x6"]
    begun, random = fresh_model(preset, seed=0), TRM(preset.config, preset.codec, seed=0)
    look_around(random, 6, 6, (2, 3))
    assert equal(dict(begun.state_dict()), dict(random.state_dict()))


def test_a_larger_board_looks_around_and_the_rest_begins_with_the_smaller_model() -> None:
    preset, small = PRESETS["pencil-10x10"], load("pencil-6x6")
    begun, random = fresh_model(preset, seed=0), TRM(preset.config, preset.codec, seed=0)
    look_around(random, 10, 10, (3, 3))
    cells = slice(1, 101)  # after one position of prefix
    assert torch.equal(begun.embed_pos.embedding_weight[cells], random.embed_pos.embedding_weight[cells])
    for ours, theirs in zip(begun.levels[0].parameters(), small.levels[0].parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_run_may_begin_with_the_weights_of_another(preset: Preset, tmp_path: Path) -> None:
    data = tmp_path / "data"
    train(preset, tmp_path / "one", Schedule(updates=5), data=data)
    begun = str(tmp_path / "one" / "model.safetensors")
    still = attrs.evolve(SMALL, lr=1e-12, weight_decay=0.0)
    train(preset, tmp_path / "two", Schedule(updates=2), data=data, settings=still, start=begun)
    one, two = (load(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    with pytest.raises(TTSError, match=r"sudoku-9x9 cannot begin a run of small: .* is in one of them alone"):
        train(preset, tmp_path / "three", Schedule(updates=2), data=data, start="sudoku-9x9")


def test_a_run_of_another_model_is_not_resumed(preset: Preset, tmp_path: Path) -> None:
    train(preset, tmp_path / "run", Schedule(updates=2), data=tmp_path / "data")
    wider = attrs.evolve(preset, config=attrs.evolve(preset.config, hidden_size=64, puzzle_emb_ndim=64))
    with pytest.raises(TTSError, match=r"state.pt is a run of a model of other sizes than small has now"):
        train(wider, tmp_path / "run", Schedule(updates=4), data=tmp_path / "data", resume=True)


def test_test_puzzles_in_a_mixed_vocabulary_keep_their_variety() -> None:
    codec = PRESETS["pencil-6x6"].codec
    group = as_group("tapa", pencils_6x6()["tapa"], codec)
    assert group.identifier == 4
    assert codec.verifier is not None
    assert not codec.verifier.valid(group.tokens, group.labels - 1).any()


def test_the_commands(tmp_path: Path, preset: Preset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRESETS, "small", preset)
    out = tmp_path / "run"
    arguments = ["train", "--preset", "small", "--out", str(out), "--updates"]
    done = CliRunner().invoke(app, [*arguments, "3"])
    assert done.exit_code == 0, done.output
    assert "test puzzles, one" in done.output
    again = CliRunner().invoke(app, [*arguments, "5"])
    assert again.exit_code == 2
    assert "holds a run already" in again.output.replace("\n", " ")
    resumed = CliRunner().invoke(app, [*arguments, "5", "--resume"])
    assert resumed.exit_code == 0, resumed.output
    weights = []
    for dtype in ("float32", "bfloat16"):  # both from the same state on
        copy = shutil.copytree(out, tmp_path / dtype)
        options = ["--out", str(copy), "--updates", "6", "--resume", "--dtype", dtype, "--device", "cpu"]
        cast = CliRunner().invoke(app, ["train", "--preset", "small", *options])
        assert cast.exit_code == 0, cast.output
        weights.append(read_state(copy / "state.pt")["model"]["lm_head.weight"])
    assert not torch.equal(*weights)
    torch.testing.assert_close(*weights, rtol=0, atol=1e-2)
    wrong = CliRunner().invoke(app, [*arguments, "7", "--resume", "--dtype", "int8"])
    assert wrong.exit_code == 2
    assert "--dtype int8 is not known" in wrong.output.replace("\n", " ")
    chosen = CliRunner().invoke(
        app, [*arguments, "8", "--resume", "--lr", "0.002", "--seed", "7", "--early-depth", "2"]
    )
    assert chosen.exit_code == 0, chosen.output
    assert read_state(out / "state.pt")["settings"] == attrs.asdict(
        attrs.evolve(SMALL, lr=0.002, seed=7, early_depth=2)
    )
    still = CliRunner().invoke(app, [*arguments, "8", "--resume", "--lr", "nan"])
    assert still.exit_code == 2
    assert "the learning rate is nan" in still.output.replace("\n", " ")
    unknown = CliRunner().invoke(app, ["train", "--preset", "chess", "--minutes", "1"])
    assert unknown.exit_code == 2
    assert "--preset chess" in unknown.output
    listed = CliRunner().invoke(app, ["models"])
    assert listed.exit_code == 0
    assert "sudoku-9x9" in listed.output


def test_every_group_keeps_its_share_of_the_lanes(examples: Mixture) -> None:
    groups = [attrs.evolve(examples.groups[0], identifier=place) for place in (1, 0)]
    model = TRM(attrs.evolve(small_model().config, num_puzzle_identifiers=2), CODEC, seed=0)
    trainer = Trainer(model, Mixture(groups), SMALL)
    for _ in range(7):
        trainer.update(0.0)
    assert trainer.lanes["ids"].tolist() == [1, 0] * 8


def test_the_help_names_all_presets() -> None:
    option = get_type_hints(command, include_extras=True)["preset"].__metadata__[0]
    assert set(re.split(r", | or ", option.help)) == set(PRESETS)


def test_a_run_that_is_told_to_end_saves_and_can_be_resumed(
    tmp_path: Path, preset: Preset, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = count()

    def told_to_end(*_: object) -> None:
        if next(calls) == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    def prepare(model: TwoLatentModel) -> None:
        model.q_head.register_forward_hook(told_to_end)  # which an update calls once

    monkeypatch.setitem(PRESETS, "small", attrs.evolve(preset, prepare=prepare))
    out = tmp_path / "run"
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ended = CliRunner().invoke(app, ["train", "--preset", "small", "--out", str(out), "--updates", "9"])
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert ended.exit_code == 130, ended.output
    assert "--resume continues" in " ".join(ended.output.split())
    assert read_state(out / "state.pt")["updates"] == 3

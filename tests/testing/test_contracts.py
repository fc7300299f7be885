"""One suite over all plugins: what tts.testing promises of each."""

import attrs
import numpy as np
import pytest
import torch
from support.models import small_config
from support.solved_boards import solved

import tts
from tts import strategies
from tts.interfaces import Candidates, Selector, StepView, Stop, Strategy
from tts.puzzles import PUZZLINK, verifier_for
from tts.search import Rollouts
from tts.strategies import (
    Budget,
    CellMajority,
    Chain,
    Converged,
    Cosine,
    Dropout,
    FewestViolations,
    First,
    FirstHalted,
    FirstHaltedSelector,
    GaussianNoise,
    Grouped,
    GuidedParticles,
    Halted,
    Identity,
    Langevin,
    Linear,
    MajorityVote,
    Pinning,
    QSelector,
    ResidualSelector,
    Restarts,
    SymmetricViews,
    TargetedNoise,
    Verified,
    VerifierSelector,
)
from tts.testing import (
    Jitter,
    SmallModel,
    check_model,
    check_selector,
    check_stop,
    check_strategy,
    check_verifier,
    random_candidates,
)
from tts.verifiers import SudokuVerifier

SUDOKU = SmallModel(tts.VarietyCodec("sudoku", 4, 4))
STRATEGIES = [
    Identity(),
    GaussianNoise(0.3),
    GaussianNoise(0.3, ("y", "z"), Linear(0.1)),
    GaussianNoise(0.3, ("y",), Cosine()),
    GaussianNoise(0.3, schedule=First(2)),
    Dropout(0.2, ("y", "z")),
    Restarts(0.5),
    Restarts(0.5, ("y",), patience=1),
    TargetedNoise(0.5, ("y", "z")),
    Chain(GaussianNoise(0.1), Restarts(0.2, patience=2), Dropout(0.1)),
    GuidedParticles(GaussianNoise(0.3, ("y",)), temperature=0.5, threshold=0.9),
    GuidedParticles(Chain(Restarts(0.5, patience=1), Dropout(0.1)), every=2, threshold=1.0),
    SymmetricViews(GaussianNoise(0.3), n_views=3),
    SymmetricViews(Chain(TargetedNoise(0.5), Restarts(0.2, patience=1))),
    Langevin(0.5, 0.3),
    Chain(Langevin(0.1, 0.0, ("y",)), Dropout(0.1)),
    Pinning(GaussianNoise(0.3, ("y",)), threshold=-9),
    Jitter(),
]
SELECTORS = [
    QSelector(),
    QSelector("max"),
    QSelector("mean"),
    MajorityVote(),
    MajorityVote(weighted=True),
    CellMajority(),
    VerifierSelector(SudokuVerifier(3, 3, 1, 3)),
    FewestViolations(SudokuVerifier(3, 3, 1, 3)),
    ResidualSelector(),
    FirstHaltedSelector(),
    Grouped(QSelector(), MajorityVote(), 3),
    MajorityVote().then(QSelector()),
]
STOPS = [
    Halted(),
    Halted(0.5),
    FirstHalted(),
    FirstHalted(2),
    Verified(),
    Converged(0.2),
    Budget(7),
    Halted(0.5) | Budget(9),
]


@pytest.mark.parametrize("strategy", STRATEGIES, ids=repr)
def test_strategies(strategy: Strategy, device: str) -> None:
    check_strategy(strategy, SUDOKU, device=device)


@pytest.mark.parametrize("selector", SELECTORS, ids=repr)
def test_selectors(selector: Selector) -> None:
    check_selector(selector)


@pytest.mark.parametrize("stop", STOPS, ids=repr)
def test_stop_rules(stop: Stop, device: str) -> None:
    check_stop(stop, SUDOKU.to(device))


@pytest.mark.parametrize("variety", PUZZLINK)
def test_verifiers(variety: str, device: str) -> None:
    """A right answer, none at all, and a right one beside it again."""
    tokens, answers = (torch.from_numpy(grid) for grid in solved(variety, 4, 4, np.random.default_rng(0)))
    puzzles = tokens.reshape(1, -1).repeat(3, 1).to(device)
    tried = answers.reshape(1, -1).repeat(3, 1).to(device)
    tried[1] = puzzles[1]
    check_verifier(verifier_for(variety, 4, 4), puzzles, tried, torch.tensor([True, False, True]))


def test_the_verifier_of_mazes(device: str) -> None:
    maze = tts.parse("S.#\n..G")
    answers = [maze.answer_tokens(maze.parse_answer(text)) for text in ("S.#ooG", "S.#..G", "So#.oG")]
    tokens = torch.from_numpy(maze.tokens()).repeat(3, 1).to(device)
    tried = torch.from_numpy(np.stack(answers)).to(device)
    check_verifier(verifier_for("maze", 2, 3), tokens, tried, torch.tensor([True, False, True]))


def test_models(device: str) -> None:
    check_model(SmallModel().to(device))
    codec = tts.TokenCodec(4, 4, 6)
    config = small_config(codec)
    check_model(tts.TRM(config, codec).to(device))
    check_model(tts.TRM(attrs.evolve(config, mlp_t=True), codec).to(device, torch.bfloat16))


def test_every_plugin_is_checked() -> None:
    """What the package exports of strategies and selectors is in the lists above."""
    checked = {type(plugin) for plugin in [*STRATEGIES, *SELECTORS]}
    exported = {getattr(strategies, name) for name in strategies.__all__}
    plugins = {kind for kind in exported if issubclass(kind, Strategy | Selector)}
    assert plugins <= checked


@attrs.frozen
class GlobalNoise(Strategy):
    """Wrong: draws from torch's global generator."""

    def perturb(self, view: StepView, rng: object) -> dict[str, torch.Tensor]:
        return {name: latent + torch.randn_like(latent) for name, latent in view.state.items()}


@attrs.frozen
class InPlace(Strategy):
    """Wrong: changes what it is given."""

    def perturb(self, view: StepView, rng: object) -> dict[str, torch.Tensor]:
        view.state["y"].mul_(0.5)
        return view.state


@attrs.frozen
class BatchMean(Strategy):
    """Wrong: mixes lanes."""

    def perturb(self, view: StepView, rng: object) -> dict[str, torch.Tensor]:
        return {name: latent - latent.mean(dim=0) for name, latent in view.state.items()}


class Thawed(Strategy):
    """Wrong: not frozen."""

    def perturb(self, view: StepView, rng: object) -> dict[str, torch.Tensor]:
        return view.state


@attrs.frozen
class RankAcrossPuzzles(Selector):
    """Wrong: a puzzle's scores depend on the others."""

    def score(self, candidates: Candidates) -> torch.Tensor:
        return candidates.q - candidates.q.mean()


@attrs.frozen
class NearestToTheMean(Selector):
    """Wrong: a rollout's rank depends on the others, and it does not say so."""

    def score(self, candidates: Candidates) -> torch.Tensor:
        return -(candidates.q - candidates.q.mean(dim=1, keepdim=True)).abs()


@pytest.mark.parametrize(
    ("plugin", "sentence"),
    [
        (GlobalNoise(), "global random state"),
        (InPlace(), "not changed in place"),
        (BatchMean(), "whichever lanes are beside it"),
        (Thawed(), "attrs"),
    ],
    ids=lambda x: type(x).__name__,
)
def test_the_suite_catches_wrong_strategies(plugin: Strategy, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_strategy(plugin)


def test_the_suite_catches_wrong_selectors() -> None:
    with pytest.raises(AssertionError, match="whichever puzzles are beside it"):
        check_selector(RankAcrossPuzzles())
    with pytest.raises(AssertionError, match="whichever others there are"):
        check_selector(NearestToTheMean())


def test_random_candidates_hold_what_a_search_gives() -> None:
    candidates = random_candidates()
    assert set(attrs.fields_dict(Rollouts)) >= {"answers", "q", "residual", "steps", "record"}
    assert candidates.answers.shape[:2] == candidates.q.shape

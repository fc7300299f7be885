"""Plugins written as text: what is meant is made, anything else is refused in one sentence and never run."""

import os
from inspect import isabstract
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tts
from tts.cli.expressions import CLASSES, plugin
from tts.errors import TTSError
from tts.interfaces import Selector, Stop, Strategy
from tts.strategies import (
    Budget,
    Chain,
    Dropout,
    FirstHalted,
    GaussianNoise,
    Grouped,
    GuidedParticles,
    Halted,
    Identity,
    Linear,
    MajorityVote,
    QSelector,
    Schedule,
    SymmetricViews,
    Verified,
    VerifierSelector,
)


@pytest.mark.parametrize(
    ("text", "kind", "meant"),
    [
        ("GaussianNoise(0.5, latents=y+z)", Strategy, GaussianNoise(0.5, ("y", "z"))),
        ("GaussianNoise(1, 'y')", Strategy, GaussianNoise(1.0, ("y",))),
        (
            "GaussianNoise(sigma=.3, latents=(y, z), schedule=Linear(0.1))",
            Strategy,
            GaussianNoise(0.3, ("y", "z"), Linear(0.1)),
        ),
        ("Identity", Strategy, Identity()),
        (" Chain( GaussianNoise(0.1), Dropout(0.05) ) ", Strategy, Chain(GaussianNoise(0.1), Dropout(0.05))),
        ("SymmetricViews(GaussianNoise(0.3), n_views=3)", Strategy, SymmetricViews(GaussianNoise(0.3), n_views=3)),
        (
            "GuidedParticles(GaussianNoise(0.3, [y]), every=2)",
            Strategy,
            GuidedParticles(GaussianNoise(0.3, ("y",)), every=2),
        ),
        ("QSelector(max)", Selector, QSelector("max")),
        ("MajorityVote(weighted=True)", Selector, MajorityVote(weighted=True)),
        ("VerifierSelector.then(QSelector)", Selector, VerifierSelector().then(QSelector())),
        (
            "MajorityVote().then(VerifierSelector()).then(QSelector())",
            Selector,
            MajorityVote().then(VerifierSelector()).then(QSelector()),
        ),
        ("Grouped(QSelector(), MajorityVote(), 3)", Selector, Grouped(QSelector(), MajorityVote(), 3)),
        ("Halted(-0.5) | Verified() | Budget(9)", Stop, Halted(-0.5) | Verified() | Budget(9)),
        ("FirstHalted(n=2)", Stop, FirstHalted(2)),
    ],
)
def test_what_is_written_is_made(text: str, kind: type, meant: object) -> None:
    assert plugin(text, kind) == meant


def test_every_plugin_has_a_name() -> None:
    classes = [value for value in vars(tts).values() if isinstance(value, type) and not isabstract(value)]
    plugins = {value.__name__ for value in classes if issubclass(value, Strategy | Selector | Stop | Schedule)}
    assert plugins <= set(CLASSES)


@pytest.mark.parametrize(
    ("text", "kind", "sentence"),
    [
        ("GausianNoise(0.5)", Strategy, "GausianNoise is not known; did you mean GaussianNoise"),
        ("QSelector()", Strategy, "is not a strategy; choose among Chain, Dropout, GaussianNoise"),
        ("GaussianNoise()", Strategy, "GaussianNoise: missing a required argument: 'sigma'"),
        ("GaussianNoise(0.5, colour=red)", Strategy, "GaussianNoise: got an unexpected keyword argument 'colour'"),
        ("GaussianNoise(much)", Strategy, "could not convert string to float: 'much'"),
        ("GaussianNoise(-1)", Strategy, "'sigma' must be >= 0.0"),
        ("Dropout(2)", Strategy, "Dropout"),
        ("GaussianNoise(0.5", Strategy, "is not a strategy: write one as in GaussianNoise"),
        ("", Selector, "is not a selector: write one as in"),
        ("y", Strategy, "'y' is not a strategy; choose among"),
        ("GaussianNoise(*[1])", Strategy, r"\* and \*\* cannot be used here"),
        ("GaussianNoise(**{})", Strategy, r"\* and \*\* cannot be used here"),
        ("GaussianNoise(1+z)", Strategy, r"\+ joins words"),
        ("Verified() | QSelector()", Stop, r"\| joins two stop rules"),
        ("Verified.then(QSelector)", Selector, "then takes one selector after another"),
        ("QSelector().then(Verified())", Selector, "must be a Selector"),
        ("QSelector().score()", Selector, "neither a number, a word nor a call"),
        ("x" * 2000, Strategy, "longer than 1000 characters"),
        ("(" * 900, Strategy, "is not a strategy"),
        ("-" * 900 + "1", Strategy, "is not a strategy"),
        ("9" * 990, Strategy, "is not a strategy"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(text: str, kind: type, sentence: str) -> None:
    with pytest.raises(TTSError, match=sentence) as raised:
        plugin(text, kind)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('touch ran')",
        "GaussianNoise(__import__('os').system('touch ran'))",
        "[c for c in ().__class__.__base__.__subclasses__()]",
        "(lambda: 0)()",
        'f\'{open("ran", "w")}\'',
        "GaussianNoise.__init__.__globals__",
        "open('ran', 'w')",
        "9**9**9**9",
        "'a' * 10**9",
    ],
)
def test_nothing_is_run(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TTSError):
        plugin(text, Strategy)
    assert os.listdir() == []


@given(st.text(alphabet="GaussianNoise(0.5,y+z)|Q[]'=*\\\n\0 ", max_size=40) | st.text(max_size=20))
def test_any_text_is_a_strategy_or_refused(text: str) -> None:
    try:
        assert isinstance(plugin(text, Strategy), Strategy)
    except TTSError as error:
        assert "is not a strategy" in str(error)  # noqa: PT017

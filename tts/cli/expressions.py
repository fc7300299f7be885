"""Strategies, selectors and stop rules written as text, as on the command line.

    plugin("Chain(GaussianNoise(0.5, latents=y+z), Dropout(0.05))", Strategy)
    plugin("VerifierSelector().then(QSelector(max))", Selector)
    plugin("Verified | Budget(640)", Stop)

Nothing is evaluated as Python: the text is parsed, and only constructors of the package are called, on numbers, words,
tuples and each other. A name that is no class is a word; ``y+z`` is the words y and z; a class alone is called.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from difflib import get_close_matches
from inspect import signature
from typing import Any, TypeVar

from tts import strategies
from tts.errors import TTSError
from tts.interfaces import Selector, Stop, Strategy

P = TypeVar("P")

_STOPS = ("Budget", "Converged", "FirstHalted", "Halted", "Verified")
CLASSES: dict[str, type] = {
    **{name: getattr(strategies, name) for name in strategies.__all__},
    **{name: getattr(strategies, name) for name in _STOPS},
}
"""What can be written, by name."""
LONGEST = 1000
_WORDS: dict[type, str] = {Strategy: "strategy", Selector: "selector", Stop: "stop rule"}


def plugin(text: str, kind: type[P]) -> P:
    """The object of ``kind`` (Strategy, Selector or Stop) that a text describes.

    Raises:
        TTSError: what in the text is no such thing, and what could stand there.
    """
    what = _WORDS[kind]
    try:
        if len(text) > LONGEST:
            raise _Refused(f"longer than {LONGEST} characters")
        made = _value(ast.parse(text.strip(), mode="eval").body)
    except _Refused as error:
        raise TTSError(f"{text!r:.100} is no {what}: {error}") from error
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise TTSError(f"{text!r:.100} is no {what}: write one as in GaussianNoise(0.5, latents=y+z)") from error
    if not isinstance(made, kind):
        raise TTSError(f"{text!r:.100} is no {what}; choose among {', '.join(_known(kind))}")
    return made


class _Refused(Exception):
    """What is wrong with a part of the text."""


def _known(kind: type) -> list[str]:
    return sorted(name for name, found in CLASSES.items() if issubclass(found, kind))


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return tuple(map(_value, parts))
        case ast.Name(id=name):
            return _built(name, [], {}) if name in CLASSES else name
        case ast.BinOp(op=ast.Add() | ast.BitOr()):
            return _joined(node)
        case ast.Call(func=ast.Name(id=name)):
            return _built(name, *_arguments(node))
        case ast.Call(func=ast.Attribute(attr="then", value=first)):
            return _then(_value(first), *_arguments(node))
    raise _Refused(f"{ast.unparse(node):.60} is neither a number, a word nor a call")


def _joined(node: ast.BinOp) -> Any:
    """``y+z`` as words, ``a | b`` as a stop rule."""
    left, right = _value(node.left), _value(node.right)
    if isinstance(node.op, ast.BitOr):
        if isinstance(left, Stop) and isinstance(right, Stop):
            return left | right
        raise _Refused("| joins two stop rules, as in Verified | Budget(640)")
    words = (*(left if isinstance(left, tuple) else (left,)), right)
    if not all(isinstance(word, str) for word in words):
        raise _Refused("+ joins words, as in y+z")
    return words


def _arguments(node: ast.Call) -> tuple[list[Any], dict[str, Any]]:
    if any(isinstance(part, ast.Starred) for part in node.args) or any(part.arg is None for part in node.keywords):
        raise _Refused("stars have no meaning here; write the arguments out")
    return [_value(part) for part in node.args], {str(part.arg): _value(part.value) for part in node.keywords}


def _then(first: Any, places: list[Any], named: dict[str, Any]) -> Selector:
    if not isinstance(first, Selector) or named or len(places) != 1:
        raise _Refused(".then takes one selector after another, as in VerifierSelector().then(QSelector())")
    after: Selector = _made(".then", first.then, places, named)
    return after


def _built(name: str, places: list[Any], named: dict[str, Any]) -> Any:
    if name not in CLASSES:
        near = get_close_matches(name, CLASSES, 1)
        raise _Refused(f"{name} is not known" + (f"; did you mean {near[0]}?" if near else ""))
    return _made(name, CLASSES[name], places, named)


def _made(name: str, make: Callable[..., Any], places: list[Any], named: dict[str, Any]) -> Any:
    try:
        given = signature(make).bind(*places, **named)
        if isinstance(given.arguments.get("latents"), str):
            given.arguments["latents"] = (given.arguments["latents"],)
        return make(*given.args, **given.kwargs)
    except (TypeError, ValueError, TTSError) as error:
        said = str(error).replace(f"{name}.__init__()", f"{name}").replace("__init__()", name)
        raise _Refused(said if said.startswith(name) else f"{name}: {said}") from error

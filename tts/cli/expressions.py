"""Strategies, selectors and stop rules written as text, as on the command line.

    plugin("Chain(GaussianNoise(0.5, latents=y+z), Dropout(0.05))", Strategy)
    plugin("VerifierSelector().then(QSelector(max))", Selector)
    plugin("Verified | Budget(640)", Stop)

Nothing is evaluated as Python: the text is parsed, and only constructors of the package are called, on numbers, words,
tuples and each other. A name that is not a class is a word; ``y+z`` is the words y and z; a class alone is called.
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

CLASSES: dict[str, type] = {name: getattr(strategies, name) for name in strategies.__all__}
"""What can be written, by name."""
LONGEST = 1000
"""Characters of a text."""
_WORDS: dict[type, str] = {Strategy: "strategy", Selector: "selector", Stop: "stop rule"}


def plugin(text: str, kind: type[P]) -> P:
    """Return the object of ``kind`` (Strategy, Selector or Stop) that a text describes.

    Raises:
        TTSError: the text describes something else; names the part that is wrong, and what could stand there.
    """
    what = _WORDS[kind]
    try:
        if len(text) > LONGEST:
            raise _Refused(f"longer than {LONGEST} characters")
        value = _value(ast.parse(text.strip(), mode="eval").body)
    except _Refused as error:
        raise TTSError(f"{text!r:.100} is not a {what}: {error}") from error
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise TTSError(f"{text!r:.100} is not a {what}: write one as in GaussianNoise(0.5, latents=y+z)") from error
    if not isinstance(value, kind):
        raise TTSError(f"{text!r:.100} is not a {what}; choose among {', '.join(_known(kind))}")
    return value


class _Refused(Exception):
    """A part of the text is wrong; says what."""


def _known(kind: type) -> list[str]:
    return sorted(name for name, each in CLASSES.items() if issubclass(each, kind))


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return tuple(map(_value, parts))
        case ast.Name(id=name):
            return _named(name, [], {}) if name in CLASSES else name
        case ast.BinOp(op=ast.Add() | ast.BitOr()):
            return _joined(node)
        case ast.Call(func=ast.Name(id=name)):
            return _named(name, *_arguments(node))
        case ast.Call(func=ast.Attribute(attr="then", value=first)):
            return _then(_value(first), *_arguments(node))
    raise _Refused(f"{ast.unparse(node):.60} is neither a number, a word nor a call")


def _joined(node: ast.BinOp) -> Any:
    """Return ``y+z`` as words, ``a | b`` as a stop rule."""
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
        raise _Refused("* and ** cannot be used here; write the arguments out")
    return [_value(part) for part in node.args], {str(part.arg): _value(part.value) for part in node.keywords}


def _then(first: Any, values: list[Any], keywords: dict[str, Any]) -> Selector:
    if not isinstance(first, Selector) or keywords or len(values) != 1:
        raise _Refused(".then takes one selector after another, as in VerifierSelector().then(QSelector())")
    selector: Selector = _call(".then", first.then, values, keywords)
    return selector


def _named(name: str, values: list[Any], keywords: dict[str, Any]) -> Any:
    if name not in CLASSES:
        near = get_close_matches(name, CLASSES, 1)
        raise _Refused(f"{name} is not known" + (f"; did you mean {near[0]}?" if near else ""))
    return _call(name, CLASSES[name], values, keywords)


def _call(name: str, function: Callable[..., Any], values: list[Any], keywords: dict[str, Any]) -> Any:
    try:
        bound = signature(function).bind(*values, **keywords)
        if isinstance(bound.arguments.get("latents"), str):
            bound.arguments["latents"] = (bound.arguments["latents"],)
        return function(*bound.args, **bound.kwargs)
    except (TypeError, ValueError, TTSError) as error:
        sentence = str(error).replace(f"{name}.__init__()", f"{name}").replace("__init__()", name)
        raise _Refused(sentence if sentence.startswith(name) else f"{name}: {sentence}") from error

"""TRM and HRM as others save them: which tensors are the model, and what their names and shapes tell of it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import attrs
from torch import Tensor

from tts.errors import CheckpointError
from tts.models.checkpoints.settings import Fields
from tts.models.hrm import HRM, HRMConfig
from tts.models.recursion import RecursionConfig, TwoLatentModel
from tts.models.trm import TRM, TRMConfig

MODELS: dict[str, tuple[type[TwoLatentModel], type[RecursionConfig]]] = {
    "TRM": (TRM, TRMConfig),
    "HRM": (HRM, HRMConfig),
}
ANCHOR = "embed_tokens.embedding_weight"
WRAPPERS = ("_orig_mod", "module")  # of torch.compile and of data parallelism; they may stand anywhere in a name
EMA = re.compile(r"(^|[._])(ema|shadow|swa|averaged?)([._]|$)", re.IGNORECASE)
NO_WEIGHTS = re.compile(r"(^|[._])optim")
IGNORED = re.compile(r"puzzle_emb\.local_(weights|ids)|rotary_emb\.(cos|sin)_cached|n_averaged")
SUDOKU_VOCAB, SUDOKU_CELLS = 11, 81  # of the official Sudoku-Extreme data
PREFIX = 16  # the prefix of the official TRM configurations
EXPANSION = 4.0  # of all official configurations
USUAL = {
    "H_cycles": "3 in TRM, 2 in HRM",
    "L_cycles": "6 in TRM with mlp_t, 4 in TRM with attention, 2 in HRM",
    "num_heads": "8",
    "pos_encodings": "'rope'",
    "puzzle_emb_len": "16 in TRM, 0 = as many positions as the table needs",
    "seq_len": "81 for 9x9 sudoku, 900 for ARC and 30x30 mazes",
}


def model_weights(tensors: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """Return the weights of the one model among named tensors, by their bare names.

    Whatever stands before the known names is taken off. Averaged weights, known by ``ema``, ``shadow``, ``swa`` or
    ``averaged`` in the part taken off, are preferred; what they lack (buffers are not averaged) comes from the others.

    Raises:
        CheckpointError: there is no TRM or HRM among them, or there are several.
    """
    names = {".".join(part for part in name.split(".") if part not in WRAPPERS): name for name in tensors}
    names = {short: name for short, name in names.items() if not NO_WEIGHTS.search(short)}
    ends = [short.removesuffix(ANCHOR) for short in names if short.endswith(ANCHOR)]
    prefixes = [end for end in ends if end == "" or end.endswith(".")]
    if not prefixes:
        some = ", ".join(f"{name:.60}" for name in list(tensors)[:3])
        raise CheckpointError(f"{where} is not a TRM or HRM: it has no {ANCHOR}, but {some}, ...")
    averaged = [prefix for prefix in prefixes if EMA.search(prefix)]
    current = [prefix for prefix in prefixes if prefix not in averaged]
    for several in (averaged, current):
        if len(several) > 1 and not (several is current and averaged):
            raise CheckpointError(
                f"{where} holds several models, under {', '.join(f'{prefix:.60}' for prefix in several[:3])}: "
                "save the state_dict of the one to load alone"
            )
    chosen: dict[str, Tensor] = {}
    for prefix in (*current[:1], *averaged):
        inner = [other for other in prefixes if other != prefix and other.startswith(prefix)]
        for short, name in names.items():
            if short.startswith(prefix) and not any(short.startswith(other) for other in inner):
                chosen[short.removeprefix(prefix)] = tensors[name]
    return {name: tensor for name, tensor in chosen.items() if not IGNORED.search(name)}


def model_of(weights: Mapping[str, Tensor], fields: Fields, where: str) -> tuple[type[TwoLatentModel], RecursionConfig]:
    """Return the kind of model and its configuration, from shapes, and from ``fields`` for what shapes do not tell.

    Raises:
        CheckpointError: fields are missing, contradict the shapes, or describe no model.
    """
    sizes = shapes(weights, where)
    kind, config_type = MODELS["HRM" if "H_layers" in sizes else "TRM"]
    known = {field.name: field for field in attrs.fields(config_type)}
    stated = {name: value for name, value in fields.items() if name in known}
    _check_agreement(sizes, stated, where)
    complete = {"num_puzzle_identifiers": 0, **stated, **sizes, "expansion": _expansion(weights, sizes, stated, where)}
    complete.update(_lengths(sizes, complete, _positions(weights), kind is HRM))
    _check_positions(complete, _positions(weights), where)
    if sizes.get("mlp_t"):
        complete = {"num_heads": 1, "pos_encodings": "none", **complete}  # without attention they do nothing
    missing = [name for name, field in known.items() if field.default is attrs.NOTHING and name not in complete]
    if kind is TRM and complete.get("puzzle_emb_ndim") and "puzzle_emb_len" not in complete:
        missing.append("puzzle_emb_len")
    if missing:
        wanted = ", ".join(f"{name!r}: ..." for name in missing)
        usual = "; ".join(f"{name} {USUAL[name]}" for name in missing if name in USUAL)
        raise CheckpointError(
            f"neither the tensors of {where} nor a configuration beside it tell {', '.join(missing)}: pass "
            f"config={{{wanted}}}; usual values: {usual}"
        )
    try:
        return kind, config_type(**complete)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"the configuration of {where} describes no {kind.__name__}: {error}") from error


def shapes(weights: Mapping[str, Tensor], where: str) -> Fields:
    """Return the fields that names and shapes determine.

    Raises:
        CheckpointError: a tensor that tells them is missing or has no two dimensions.
    """
    vocab_size, hidden = _matrix(weights, ANCHOR, where)
    table = _matrix(weights, "puzzle_emb.weights", where) if "puzzle_emb.weights" in weights else (0, 0)
    sizes: Fields = {
        "vocab_size": vocab_size,
        "hidden_size": hidden,
        "puzzle_emb_ndim": table[1],
        "L_layers": _layers(weights, "L_level"),
    }
    if table[0]:  # without a table any number may be stated
        sizes["num_puzzle_identifiers"] = table[0]
    if any(name.startswith("H_level.") for name in weights):
        sizes["H_layers"] = _layers(weights, "H_level")
    else:
        sizes["mlp_t"] = "L_level.layers.0.mlp_t.down_proj.weight" in weights
    if "embed_pos.embedding_weight" in weights:
        sizes["pos_encodings"] = "learned"
    return sizes


def _layers(weights: Mapping[str, Tensor], level: str) -> int:
    return len({match[1] for name in weights if (match := re.match(rf"{level}\.layers\.(\d+)\.", name))})


def _matrix(weights: Mapping[str, Tensor], name: str, where: str) -> tuple[int, int]:
    shape = weights[name].shape if name in weights else ()
    if len(shape) != 2 or min(shape) < 1:
        raise CheckpointError(f"{where}: {name} is missing or not a matrix; got shape {list(shape)}")
    return shape[0], shape[1]


def _check_agreement(sizes: Fields, stated: Fields, where: str) -> None:
    if stated.get("puzzle_emb_ndim") and not sizes["puzzle_emb_ndim"]:
        raise CheckpointError(
            f"{where} lacks puzzle_emb.weights, the table of identifiers that its configuration tells of "
            f"(puzzle_emb_ndim {stated['puzzle_emb_ndim']}): use a file that has it"
        )
    for name, value in sizes.items():
        if stated.get(name, value) != value:
            raise CheckpointError(
                f"the tensors of {where} have {name} {value}, but its configuration says {stated[name]}: "
                f"is it another model's? If not, pass config={{{name!r}: {value!r}}}"
            )
    if stated.get("pos_encodings") == "learned" and "pos_encodings" not in sizes:
        raise CheckpointError(f"the configuration of {where} says pos_encodings 'learned', but it has no embed_pos")


def _expansion(weights: Mapping[str, Tensor], sizes: Fields, stated: Fields, where: str) -> float:
    """Return an expansion that gives the inner widths of the tensors: the stated, the usual, or the largest one."""
    parts = ("mlp", "mlp_t") if sizes.get("mlp_t") else ("mlp",)
    widths = [_matrix(weights, f"L_level.layers.0.{part}.down_proj.weight", where) for part in parts]
    stated_expansion = stated.get("expansion")
    largest = min(1.5 * inner / width for width, inner in widths)
    for candidate in [stated_expansion] if stated_expansion else [EXPANSION, largest]:
        if all(-(round(candidate * width * 2 / 3) // -256) * 256 == inner for width, inner in widths):
            return float(candidate)
    said = "; ".join(f"{inner} for width {width}" for width, inner in widths)
    raise CheckpointError(
        f"{where}: the inner widths of its MLPs ({said}) are not those of expansion {stated_expansion or 'any'}: "
        "2/3 * expansion * width, rounded up to a multiple of 256"
    )


def _lengths(sizes: Fields, stated: Fields, positions: int | None, hrm: bool) -> Fields:
    """Return seq_len and puzzle_emb_len, as far as they can be known; ``positions``: S, if the shapes tell it."""
    needed = -(sizes["puzzle_emb_ndim"] // -sizes["hidden_size"])
    cells: int | None = stated.get("seq_len")
    prefix: int | None = stated.get("puzzle_emb_len")
    if prefix == 0 or (prefix is None and (needed == 0 or hrm)):
        prefix = needed
    if positions and cells is None and prefix is None:  # a square board after as many as needed, or the official 16?
        fitting = {positions - n for n in (needed, PREFIX) if n >= needed and _is_square(positions - n)}
        cells = fitting.pop() if len(fitting) == 1 else None
    if cells is None and sizes["vocab_size"] == SUDOKU_VOCAB and (positions is None or prefix is None):
        cells = SUDOKU_CELLS
    if positions and cells is None and prefix is not None:
        cells = positions - prefix
    elif positions and prefix is None and cells is not None:
        prefix = positions - cells
    known = {"seq_len": cells, "puzzle_emb_len": prefix}
    return {name: value for name, value in known.items() if value is not None}


def _check_positions(complete: Fields, positions: int | None, where: str) -> None:
    cells, prefix = complete.get("seq_len"), complete.get("puzzle_emb_len")
    if positions and cells is not None and prefix is not None and (cells < 1 or cells + prefix != positions):
        raise CheckpointError(
            f"the tensors of {where} have {positions} positions, but its configuration says puzzle_emb_len {prefix} "
            f"and seq_len {cells}"
        )


def _positions(weights: Mapping[str, Tensor]) -> int | None:
    """Return S, where positions have weights of their own."""
    for name in ("embed_pos.embedding_weight", "L_level.layers.0.mlp_t.down_proj.weight"):
        if name in weights and weights[name].ndim:
            return len(weights[name])
    return None


def _is_square(n: int) -> bool:
    return n > 0 and math.isqrt(n) ** 2 == n

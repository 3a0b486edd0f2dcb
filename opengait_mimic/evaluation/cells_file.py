"""Read cells: a preset by name, or a YAML file of cells."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from ..base.config import Block, between, nearest, pair_of, read_value
from ..base.errors import ConfigError
from ..base.yaml_text import find_slips, parse
from .cells import BOTH, HOLISTIC, KIND_SETS, OWN, PAPERS, PRESETS, PROBE, RANGES, TEACHER, Cell, Hiding


class CellsFile(Block):
    """A YAML of cells, for ``--cells``."""

    cells: Any = Field(description="a list of cells, each a mapping with the keys below")


class CellEntry(Block):
    """An entry of ``cells`` in a YAML of cells. A list in place of a value means one cell for each entry of the list."""

    RENAMED = {"protocol": "occluded_side"}

    occluded_side: Any = Field(description="sequences that are hidden: holistic (none), probe or both")
    kinds: Any = Field(None, description="a name such as top+bottom, or kind -> probability; null: those of evaluator_cfg.occlusion")
    hidden: Any = Field(None, description="a name such as 40-60, or lowest and highest hidden fraction; null: of evaluator_cfg.occlusion")
    share: between(1e-6, 1) = Field(1.0, description="share of the draws that hide, above 0 to 1")
    gallery_embedder: Any = Field(OWN, description="model that embeds the gallery: own or teacher")


def read_cells(yaml_or_name: str, base_occlusion: dict | None = None, where: str = "--preset") -> list[Cell]:
    """The cells of a preset or of a YAML file.

    .. code-block:: yaml

        cells:                                    # each entry: one cell, or several where a key holds a list
          - {occluded_side: holistic}
          - {occluded_side: [probe, both], kinds: top+bottom, hidden: [10-30, 40-60], gallery_embedder: [own, teacher]}
          - {occluded_side: both, kinds: {top: 0.3, pole: 0.7}, hidden: [0.2, 0.5], share: 0.5}

    ``occluded_side`` is required; ``kinds`` (a name of `KIND_SETS`, probabilities, or a list of such) and ``hidden`` (a name of
    `RANGES`, a pair of shares, or a list of such) are by default those of ``base_occlusion``, or top+bottom 40-60 %; ``share`` (of
    the draws that hide, above 0 to 1) is 1, ``gallery_embedder`` ``own``.

    Args:
        yaml_or_name: a name of `PRESETS`, or a file.
        base_occlusion: the YAML's ``evaluator_cfg.occlusion``.
        where: the option that named it, for messages.

    Returns:
        The cells in their order, each with its hiding.

    Raises:
        ConfigError: neither a preset nor a file; a file that says anything else, or a cell twice.
    """
    if yaml_or_name in PRESETS:
        cells = list(PRESETS[yaml_or_name])
    else:
        cells = _of_file(Path(yaml_or_name).expanduser(), base_occlusion or {}, where)
    return cells


def _of_file(file: Path, base: dict, where: str) -> list[Cell]:
    if not file.is_file():
        raise ConfigError(f"{where} {file}: neither a preset{nearest(file, PRESETS)} nor a file; presets: {', '.join(PRESETS)}")
    try:
        text = file.read_text(encoding="utf-8")
        given = parse(text)
        slipped = find_slips(text) if given else []
    except (OSError, UnicodeDecodeError, ConfigError) as error:
        raise ConfigError(f"{where}: cannot read {file}: {error}") from error
    if slipped:
        raise ConfigError(*(f"{file}: {slip.message}" for slip in slipped))
    entries = CellsFile.read(given, str(file)).cells
    if not isinstance(entries, list) or not entries:
        raise ConfigError(f"{file}: cells = {entries!r}; expected a list of at least one cell, such as {{occluded_side: {HOLISTIC}}}")
    found: dict[Cell, str] = {}
    for i, entry in enumerate(entries):
        for cell in _of_entry(entry, f"{file}: cells[{i}]", base):
            if cell in found:
                raise ConfigError(f"{file}: cells[{i}]: the cell {cell.name!r} stands in {found[cell]} already; keep one")
            found[cell] = f"cells[{i}]"
    return list(found)


def _of_entry(entry, where: str, base: dict) -> list[Cell]:
    block = CellEntry.read(entry, where)
    sides = _read_each(Literal[HOLISTIC, PROBE, BOTH], block.occluded_side, f"{where}.occluded_side")
    embedders = _read_each(Literal[OWN, TEACHER], block.gallery_embedder, f"{where}.gallery_embedder")
    kinds = base.get("kinds", "top+bottom") if block.kinds is None else block.kinds
    all_kinds = [_kinds(each, at) for each, at in _number_values(kinds, f"{where}.kinds")]
    ranges = _ranges(list(base.get("hidden", PAPERS)) if block.hidden is None else block.hidden, f"{where}.hidden")
    cells = []
    for side in sides:
        hidings: list = [None]
        if side == HOLISTIC:
            if extra := [key for key in ("kinds", "hidden", "share") if key in entry and len(sides) == 1]:
                raise ConfigError(f"{where}.{extra[0]} = {entry[extra[0]]!r}: occluded_side {HOLISTIC} hides nothing; leave it out")
        else:
            hidings = [Hiding.of(kinds, hidden, block.share, where) for kinds, hidden in product(all_kinds, ranges)]
        cells += [Cell(side, embedder, hiding) for hiding, embedder in product(hidings, embedders)]
    return cells


def _number_values(value, where: str) -> list[tuple]:
    """One value or a list of values, each with its place."""
    if not isinstance(value, list):
        return [(value, where)]
    if not value:
        raise ConfigError(f"{where} = []; expected at least one")
    return [(each, f"{where}[{i}]") for i, each in enumerate(value)]


def _read_each(kind, value, where: str) -> list:
    return [read_value(kind, each, at) for each, at in _number_values(value, where)]


def _kinds(value, where: str) -> dict:
    return value if isinstance(value, dict) else KIND_SETS[read_value(Literal[tuple(KIND_SETS)], value, where)]


def _range(value, where: str) -> tuple[float, float]:
    if isinstance(value, list):
        return read_value(pair_of(between(0.01, 0.95)), value, where)
    return RANGES[read_value(Literal[tuple(RANGES)], value, where)]


def _ranges(value, where: str) -> list[tuple[float, float]]:
    """One range, or a list of ranges; a list of numbers is one range."""
    is_range = isinstance(value, list) and value and all(isinstance(each, (int, float)) for each in value)
    return [_range(value, where)] if is_range else [_range(each, at) for each, at in _number_values(value, where)]

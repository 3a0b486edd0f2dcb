"""Read cells: a preset by name, or a YAML file of cells."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any, Callable, Literal

from pydantic import Field

from ..base.config import Block, between, nearest, pair_of, read_value
from ..base.errors import ConfigError
from ..base.files import read_text
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


def read_cells(yaml_or_name: str, base_occlusion: dict | None = None) -> list[Cell]:
    """The cells of a preset or of a YAML file.

    .. code-block:: yaml

        cells:                                    # each entry: one cell, or several where a key holds a list
          - {occluded_side: holistic}
          - {occluded_side: [probe, both], kinds: top+bottom, hidden: [10-30, 40-60], gallery_embedder: [own, teacher]}
          - {occluded_side: both, kinds: {top: 0.3, pole: 0.7}, hidden: [0.2, 0.5], share: 0.5}

    Args:
        yaml_or_name: a name of `PRESETS`, or a file.
        base_occlusion: ``evaluator_cfg.occlusion``, whose kinds and range are the defaults; None: top+bottom 40-60 %.

    Raises:
        ConfigError: neither a preset nor a file; a file with anything else in it, or with a cell twice.
    """
    if yaml_or_name in PRESETS:
        return list(PRESETS[yaml_or_name])
    file = Path(yaml_or_name).expanduser()
    if not file.is_file():
        raise ConfigError(f"{file}: neither a preset{nearest(file, PRESETS)} nor a file; presets: {', '.join(PRESETS)}")
    try:
        text = read_text(file)
        given = parse(text)
        slips = find_slips(text) if given else []
    except (OSError, ConfigError) as error:
        raise ConfigError(f"cannot read {file}: {error}") from error
    if slips:
        raise ConfigError(*(f"{file}: {slip.message}" for slip in slips))
    entries = CellsFile.read(given, str(file)).cells
    if not isinstance(entries, list) or not entries:
        raise ConfigError(f"{file}: cells = {entries!r}; expected a list of at least one cell, such as {{occluded_side: {HOLISTIC}}}")
    found: list[Cell] = []
    for i, entry in enumerate(entries):
        for cell in _read_entry(entry, f"{file}: cells[{i}]", base_occlusion or {}):
            if cell in found:
                raise ConfigError(f"{file}: cells[{i}]: the cell {cell.name!r} is there already; keep one")
            found.append(cell)
    return found


def _read_entry(entry, where: str, base: dict) -> list[Cell]:
    block = CellEntry.read(entry, where)
    sides = _read_each(_one_of(HOLISTIC, PROBE, BOTH), block.occluded_side, f"{where}.occluded_side")
    embedders = _read_each(_one_of(OWN, TEACHER), block.gallery_embedder, f"{where}.gallery_embedder")
    mixtures = _read_each(_read_kinds, base.get("kinds", "top+bottom") if block.kinds is None else block.kinds, f"{where}.kinds")
    hidden = list(base.get("hidden", PAPERS)) if block.hidden is None else block.hidden
    one_range = isinstance(hidden, list) and hidden and all(isinstance(each, (int, float)) for each in hidden)
    ranges = [_read_range(hidden, f"{where}.hidden")] if one_range else _read_each(_read_range, hidden, f"{where}.hidden")
    if sides == [HOLISTIC] and (extra := [key for key in ("kinds", "hidden", "share") if key in entry]):
        raise ConfigError(f"{where}.{extra[0]} = {entry[extra[0]]!r}: occluded_side {HOLISTIC} hides nothing; leave it out")
    hidings = [] if sides == [HOLISTIC] else [Hiding.of(kinds, ends, block.share, where) for kinds, ends in product(mixtures, ranges)]
    return [
        Cell(side, embedder, hiding) for side in sides for hiding, embedder in product([None] if side == HOLISTIC else hidings, embedders)
    ]


def _read_each(read: Callable[[Any, str], Any], value, where: str) -> list:
    """One value, or each entry of a list."""
    if not isinstance(value, list):
        return [read(value, where)]
    if not value:
        raise ConfigError(f"{where} = []; expected at least one")
    return [read(each, f"{where}[{i}]") for i, each in enumerate(value)]


def _one_of(*names: str) -> Callable[[Any, str], str]:
    return lambda value, where: read_value(Literal[names], value, where)


def _read_kinds(value, where: str) -> dict:
    return value if isinstance(value, dict) else KIND_SETS[_one_of(*KIND_SETS)(value, where)]


def _read_range(value, where: str) -> tuple[float, float]:
    return read_value(pair_of(between(0.01, 0.95)), value, where) if isinstance(value, list) else RANGES[_one_of(*RANGES)(value, where)]

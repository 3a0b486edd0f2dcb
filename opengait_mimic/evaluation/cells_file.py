"""Cells by name: a preset, or own ones in a YAML."""

from __future__ import annotations

from itertools import product
from pathlib import Path

from ..base.config import REQUIRED, anything, choice, nearest, number, pair, read
from ..base.errors import ConfigError
from ..base.yaml_text import find_slips, parse
from ..occlusion import Occlusion
from ..occlusion.condition import refuse_old_key
from .cells import BOTH, HOLISTIC, KIND_SETS, OWN, PAPERS, PRESETS, PROBE, RANGES, TEACHER, Cell, Hiding


def read_cells(yaml_or_name: str, base_occlusion: dict | None = None, where: str = "--preset") -> list[Cell]:
    """The cells of a preset, or of a YAML file of own ones.

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
        ConfigError: neither a preset nor a file; a file that says anything else, or a cell twice; ranges that a
            ``reference_compat.sizes`` in ``base_occlusion`` would not heed.
    """
    if yaml_or_name in PRESETS:
        cells = list(PRESETS[yaml_or_name])
    else:
        cells = _of_file(Path(yaml_or_name).expanduser(), base_occlusion or {}, where)
    _refuse_fixed_sizes(cells, base_occlusion, f"{where} {yaml_or_name}")
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
    entries = read(given, str(file), {"cells": (REQUIRED, anything)}).cells
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
    if isinstance(entry, dict):
        refuse_old_key(entry, where)
    block = read(
        entry,
        where,
        {
            "occluded_side": (REQUIRED, _each(choice(HOLISTIC, PROBE, BOTH))),
            "kinds": (base.get("kinds", "top+bottom"), _each(_kinds)),
            "hidden": (list(base.get("hidden", PAPERS)), _ranges),
            "share": (1.0, number(1e-6, 1)),
            "gallery_embedder": (OWN, _each(choice(OWN, TEACHER))),
        },
    )
    cells = []
    for side in block.occluded_side:
        hidings: list = [None]
        if side == HOLISTIC:
            if extra := [key for key in ("kinds", "hidden", "share") if key in entry and len(block.occluded_side) == 1]:
                raise ConfigError(f"{where}.{extra[0]} = {entry[extra[0]]!r}: occluded_side {HOLISTIC} hides nothing; leave it out")
        else:
            hidings = [Hiding.of(kinds, hidden, block.share, where) for kinds, hidden in product(block.kinds, block.hidden)]
        cells += [Cell(side, embedder, hiding) for hiding, embedder in product(hidings, block.gallery_embedder)]
    return cells


def _each(check):
    """A check: what ``check`` accepts, or a list of at least one; returned as a list."""

    def one_or_several(value, where):
        if not isinstance(value, list):
            return [check(value, where)]
        if not value:
            raise ConfigError(f"{where} = []; expected at least one")
        return [check(each, f"{where}[{i}]") for i, each in enumerate(value)]

    return one_or_several


def _kinds(value, where):
    return value if isinstance(value, dict) else KIND_SETS[choice(*KIND_SETS)(value, where)]


def _range(value, where):
    return pair(number(0.01, 0.95))(value, where) if isinstance(value, list) else RANGES[choice(*RANGES)(value, where)]


def _ranges(value, where):
    numbers = isinstance(value, list) and value and all(isinstance(v, (int, float)) for v in value)
    return [_range(value, where)] if numbers else _each(_range)(value, where)


def _refuse_fixed_sizes(cells, base, where):
    """The public code's sizes of middle, patch and pole are fixed: under that switch another range would be a name and no more."""
    given = {"reference_compat": (base or {}).get("reference_compat", {})}
    if not Occlusion.from_cfg(given, "evaluator_cfg.occlusion").published("sizes"):
        return
    for cell in cells:
        if cell.hiding and cell.hiding.hidden != PAPERS and {kind for kind, _ in cell.hiding.kinds} & {"middle", "patch", "pole"}:
            raise ConfigError(
                f"{where}: the cell {cell.name!r}, but evaluator_cfg.occlusion.reference_compat.sizes fixes the sizes of middle, "
                "patch and pole whatever the range; switch sizes off, or leave their other ranges out"
            )

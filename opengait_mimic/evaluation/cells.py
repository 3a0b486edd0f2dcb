"""Cells: which side is hidden and how, and which network embeds the gallery; and the presets.

`KIND_SETS`: one kind alone; ``top+bottom``, the papers' consistent occlusions; ``dynamic``, the papers' patch and pole; ``all``, those of
MimicGait's supplement.

================  =========  ==================================================================================================
preset            cells      what
================  =========  ==================================================================================================
``paper-table1``  4          whole bodies; top+bottom 40-60 %: the probes alone, both sides hidden (MimicGait's Table 1), the probes
                             against a gallery embedded by the teacher
``paper-table2``  3          both sides hidden by middle, by dynamic, 40-60 % (MimicGait's Table 2); whole bodies
``rggait``        2          both sides, half of the draws hidden by top+bottom 10-60 % (RG-Gait's public test); whole bodies
``severity``      9          top+bottom at 10-30, 20-40, 30-50 and 40-60 %: both sides, the probes; whole bodies
``full``          130        every kind above x the four ranges (32 conditions) x probes or both sides x gallery embedded by the
                             method or its teacher; whole bodies with either gallery
================  =========  ==================================================================================================

Source: MimicGait (WACV 2025), tables 1 and 2, and its supplement's range study; RG-Gait's public test configurations.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

from ..base.errors import ConfigError
from ..occlusion import Occlusion

HOLISTIC, PROBE, BOTH = "holistic", "probe", "both"
OWN, TEACHER = "own", "teacher"

KIND_SETS = {
    "top": {"top": 1.0},
    "bottom": {"bottom": 1.0},
    "top+bottom": {"top": 0.5, "bottom": 0.5},
    "middle": {"middle": 1.0},
    "patch": {"patch": 1.0},
    "pole": {"pole": 1.0},
    "dynamic": {"patch": 0.5, "pole": 0.5},
    "all": {"top": 0.2, "bottom": 0.2, "middle": 0.2, "patch": 0.2, "pole": 0.2},
}
"""Names of mixtures of kinds; probabilities that add up to 1."""

LISTED = ("none", *KIND_SETS["all"])  # the kinds in the order that tables name them in

RANGES = {"10-30": (0.1, 0.3), "20-40": (0.2, 0.4), "30-50": (0.3, 0.5), "40-60": (0.4, 0.6)}
"""Names of ranges of the hidden share."""

PASSED_ON = ("speed", "time_axis")  # of the YAML's own block, whatever the cell hides


class Hiding(NamedTuple):
    """What one condition hides; hashable. Made by `of`, so equal conditions are equal and have one name.

    ``kinds``: (kind, probability) in the order of `LISTED`, none of 0, adding up to 1, with ``none`` where not every draw hides.
    ``hidden``: lowest and highest hidden share, 0..1. ``name``: for tables, ``top+bottom 40-60 %``; an own mixture
    ``top:0.3 pole:0.7 40-60 %``; where only a share of the draws hides ``top+bottom 10-60 %, share 0.5``.
    """

    kinds: tuple[tuple[str, float], ...]
    hidden: tuple[float, float]
    name: str

    @classmethod
    def of(cls, kinds: dict[str, float], hidden, share: float = 1.0, where: str = "occlusion") -> Hiding:
        """From kind -> probability, adding up to 1, and the lowest and highest hidden share, each 0.01..0.95.

        ``share``: the share of the draws that hides, above 0 to 1; the rest is ``none``. ``where``: for messages.

        Raises:
            ConfigError: what `Occlusion.from_cfg` refuses, or nothing that hides.
        """
        drawn = Occlusion.from_cfg({"kinds": kinds, "hidden": list(hidden)}, where)
        hiding = {kind: drawn.kinds[kind] for kind in LISTED[1:] if drawn.kinds.get(kind)}
        if not hiding:
            raise ConfigError(f"{where}.kinds = {kinds!r}: nothing is hidden; that is occluded_side: {HOLISTIC}, without kinds")
        share = round(share * (1 - drawn.kinds.get("none", 0.0)), 12)
        mixture = {kind: round(p / sum(hiding.values()), 12) for kind, p in hiding.items()}
        listed = " ".join(f"{kind}:{p:.10g}" for kind, p in mixture.items())
        name = next((name for name, known in KIND_SETS.items() if known == mixture), listed)
        name += " {:.10g}-{:.10g} %".format(*(100 * end for end in drawn.hidden))
        if share != 1:
            name += f", share {share:.10g}"
        scaled = {"none": 1 - share, **{kind: p * share for kind, p in mixture.items()}}
        return cls(tuple((kind, round(p, 12)) for kind, p in scaled.items() if p), drawn.hidden, name)

    def block(self, seed: int = 0, base: dict | None = None) -> dict:
        """A complete ``evaluator_cfg.occlusion`` that hides both sides; ``speed`` and ``time_axis`` are those of ``base``, the YAML's."""
        passed = {key: base[key] for key in PASSED_ON if base and key in base}
        return {"kinds": dict(self.kinds), "hidden": list(self.hidden), "occluded_side": BOTH, "seed": seed, **passed}


class Cell(NamedTuple):
    """One cell: which side is hidden and how, and which network embeds the gallery.

    ``occluded_side``: ``holistic`` (nothing is hidden), ``probe`` (the probes are) or ``both`` (probes and gallery are).
    ``gallery_embedder``: ``own`` (the method embeds both sides) or ``teacher`` (the teacher embeds the gallery).
    ``hiding``: what is hidden; None = as the YAML's ``evaluator_cfg.occlusion`` says (nothing, where holistic).
    """

    occluded_side: str
    gallery_embedder: str = OWN
    hiding: Hiding | None = None

    @property
    def name(self) -> str:
        """For tables, one of each: ``holistic``; ``both, top+bottom 40-60 %``; ``probe, middle 10-30 %, gallery by the teacher``."""
        parts = [self.occluded_side, self.hiding and self.hiding.name, self.gallery_embedder == TEACHER and "gallery by the teacher"]
        return ", ".join(part for part in parts if part)


def standard_cells(hiding: Hiding) -> tuple[Cell, ...]:
    """The four cells of one condition that methods are compared in: whole bodies, probes, both sides, probes with the teacher's gallery."""
    return (Cell(HOLISTIC), Cell(PROBE, OWN, hiding), Cell(BOTH, OWN, hiding), Cell(PROBE, TEACHER, hiding))


def _hiding(kinds: str, hidden: tuple[float, float], share: float = 1.0) -> Hiding:
    return Hiding.of(KIND_SETS[kinds], hidden, share)


PAPERS = RANGES["40-60"]
PRESETS: dict[str, tuple[Cell, ...]] = {
    "paper-table1": standard_cells(_hiding("top+bottom", PAPERS)),
    "paper-table2": (Cell(HOLISTIC), *(Cell(BOTH, OWN, _hiding(kinds, PAPERS)) for kinds in ("middle", "dynamic"))),
    "rggait": (Cell(HOLISTIC), Cell(BOTH, OWN, _hiding("top+bottom", (0.1, 0.6), 0.5))),
    "severity": (
        Cell(HOLISTIC),
        *(Cell(side, OWN, _hiding("top+bottom", hidden)) for side, hidden in product((BOTH, PROBE), RANGES.values())),
    ),
    "full": (
        *(Cell(HOLISTIC, embedder) for embedder in (OWN, TEACHER)),
        *(
            Cell(side, embedder, _hiding(kinds, hidden))
            for kinds, hidden, side, embedder in product(KIND_SETS, RANGES.values(), (BOTH, PROBE), (OWN, TEACHER))
        ),
    ),
}
"""The presets, see the module."""

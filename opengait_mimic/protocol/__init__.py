"""Protocols: who is probe, who is gallery, what is hidden, how it is scored, and the rows of a result. No host."""

from .cells import BOTH, HOLISTIC, KIND_SETS, OWN, PRESETS, PROBE, RANGES, TEACHER, Cell, Hiding, read_cells, standard_cells
from .rows import format_rows, row
from .scores import score
from .splits import PROTOCOLS, Rule, Split, is_probe, split

__all__ = [
    "BOTH",
    "HOLISTIC",
    "KIND_SETS",
    "OWN",
    "PRESETS",
    "PROBE",
    "PROTOCOLS",
    "RANGES",
    "TEACHER",
    "Cell",
    "Hiding",
    "Rule",
    "Split",
    "format_rows",
    "is_probe",
    "read_cells",
    "row",
    "score",
    "split",
    "standard_cells",
]

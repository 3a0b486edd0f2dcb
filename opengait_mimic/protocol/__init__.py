"""Protocols: who is probe, who is gallery, what is hidden, how it is scored, and the rows of a result. No host."""

from .cells import BOTH, HOLISTIC, KIND_SETS, OWN, PRESETS, PROBE, RANGES, TEACHER, Cell, Hiding, standard_cells
from .cells_file import read_cells
from .listed import Listed, read_protocol
from .rows import format_rows, row
from .rules import PROTOCOLS, Rule
from .scores import score
from .splits import Split, is_probe, protocol_of, split

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
    "Listed",
    "Rule",
    "Split",
    "format_rows",
    "is_probe",
    "protocol_of",
    "read_cells",
    "read_protocol",
    "row",
    "score",
    "split",
    "standard_cells",
]

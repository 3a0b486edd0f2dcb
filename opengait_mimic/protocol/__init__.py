"""Protocols: who is probe, who is gallery, what is hidden, how it is scored, and the rows of a result. No host."""

from .rows import BOTH, HOLISTIC, OWN, PROBE, TEACHER, Cell, format_rows, row
from .scores import score
from .splits import PROTOCOLS, Rule, Split, is_probe, split

__all__ = [
    "BOTH",
    "HOLISTIC",
    "OWN",
    "PROBE",
    "PROTOCOLS",
    "TEACHER",
    "Cell",
    "Rule",
    "Split",
    "format_rows",
    "is_probe",
    "row",
    "score",
    "split",
]

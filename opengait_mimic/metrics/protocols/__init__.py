"""Protocols: who is probe, who is gallery, what is hidden, how it is scored, and the rows of a result. No host."""

from .cells import BOTH, HOLISTIC, KIND_SETS, OWN, PRESETS, PROBE, RANGES, TEACHER, Cell, Hiding, standard_cells
from .cells_file import read_cells
from .comparable import unlike
from .hashes import content_hash, pairs_hash, protocol_hash
from .listed import Listed, read_protocol
from .pairs import read_pairs
from .rows import light, row, seen
from .rules import CROSS_VIEW_GALLERY, PROTOCOLS, Rule
from .scorable import refuse_unscorable
from .scores import score
from .splits import Split, is_probe, protocol_of, split
from .summaries import summarise
from .table import format_rows

__all__ = [
    "BOTH",
    "CROSS_VIEW_GALLERY",
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
    "content_hash",
    "format_rows",
    "is_probe",
    "light",
    "pairs_hash",
    "protocol_hash",
    "protocol_of",
    "read_cells",
    "read_pairs",
    "read_protocol",
    "refuse_unscorable",
    "row",
    "score",
    "seen",
    "split",
    "standard_cells",
    "summarise",
    "unlike",
]

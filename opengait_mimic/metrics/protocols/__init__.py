"""Protocols: who is probe and who is gallery in each data set, and Rank-k of such a split. No host."""

from .data_set_rules import CROSS_VIEW_GALLERY, EVALUATORS_BY_LIST, PROTOCOLS, Rule
from .protocol_hashes import content_hash, pairs_hash, protocol_hash
from .split_file import Listed, read_pairs, read_protocol
from .split_scores import score
from .splits import Split, UnknownDataSet, is_probe, protocol_of, split, split_present
from .unscorable import refuse_unscorable

__all__ = [
    "CROSS_VIEW_GALLERY", "EVALUATORS_BY_LIST", "PROTOCOLS", "Listed", "Rule", "Split", "UnknownDataSet", "content_hash", "is_probe",
    "pairs_hash", "protocol_hash", "protocol_of", "read_pairs", "read_protocol", "refuse_unscorable", "score", "split", "split_present",
]  # fmt: skip

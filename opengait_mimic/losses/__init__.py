"""Losses: plain modules that the host's loss aggregator calls; no host is imported here."""

from .hidden_fraction import HiddenFractionLoss
from .l2 import L2DistillationLoss
from .mickd import MiCKDLoss
from .mickd_health import health
from .part_distances import DISTANCES, pair_distances
from .triplets import PAIRS, Triplets, mickd_triplets

__all__ = [
    "DISTANCES",
    "PAIRS",
    "HiddenFractionLoss",
    "L2DistillationLoss",
    "MiCKDLoss",
    "Triplets",
    "health",
    "mickd_triplets",
    "pair_distances",
]

"""Losses: plain modules that the host's loss aggregator calls; no host is imported here."""

from .distances import DISTANCES, pair_distances
from .health import health
from .hidden import HiddenFractionLoss
from .l2 import L2DistillationLoss
from .mickd import MiCKDLoss
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

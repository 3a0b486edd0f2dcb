"""Retrieval and verification: distances between embeddings, ranks, scores and their intervals. Pure torch and numpy, no host.

``rank_probes`` ranks the probes of a split once; ``accuracy``, ``mean_precision``, ``cmc``, ``by_view``, ``by_kind``, ``view_pairs``
and the intervals are all taken of what it returns.
"""

from .bootstrap import Interval, Resampled, Resamples, accuracy_interval, mean_over_seeds, rp_interval
from .distances import distance_matrix
from .mean_scores import accuracy, by_kind, by_view, cmc, mean_precision, view_pairs
from .postprocessing import POST, Distances, transductive_mark
from .ranks import OF_SPLIT, Trials, rank_probes
from .relative_performance import RelativePerformance, relative_performance
from .verification import NoPairs, Verification, verify_pairs, verify_split

__all__ = [
    "NoPairs",
    "OF_SPLIT",
    "Resampled",
    "Resamples",
    "POST",
    "Distances",
    "Interval",
    "RelativePerformance",
    "Trials",
    "Verification",
    "accuracy",
    "accuracy_interval",
    "by_kind",
    "by_view",
    "cmc",
    "distance_matrix",
    "mean_over_seeds",
    "mean_precision",
    "relative_performance",
    "rp_interval",
    "transductive_mark",
    "rank_probes",
    "verify_split",
    "verify_pairs",
    "view_pairs",
]

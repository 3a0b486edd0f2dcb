"""Retrieval and verification: distances between embeddings, ranks, scores and their intervals. Pure torch and numpy, no host.

``trials`` ranks the probes of a split once; ``accuracy``, ``mean_precision``, ``cmc``, ``by_view``, ``by_kind``, ``view_pairs``
and the intervals are all taken of what it returns.
"""

from .bootstrap import Interval, Resampled, Resamples, accuracy_interval, mean_over_seeds, rp_interval
from .distances import distance_matrix
from .means import accuracy, by_kind, by_view, cmc, mean_precision, view_pairs
from .post import POST, Distances, transductive
from .ranking import OF_SPLIT, Trials, trials
from .ranks import RankResult, mate_rank, precision, rank_k
from .relative_performance import RelativePerformance, relative_performance
from .verification import NoPairs, Verification, verification, verify_pairs

__all__ = [
    "NoPairs",
    "OF_SPLIT",
    "Resampled",
    "Resamples",
    "POST",
    "Distances",
    "Interval",
    "RankResult",
    "RelativePerformance",
    "Trials",
    "Verification",
    "accuracy",
    "accuracy_interval",
    "by_kind",
    "by_view",
    "cmc",
    "distance_matrix",
    "mate_rank",
    "mean_over_seeds",
    "mean_precision",
    "precision",
    "rank_k",
    "relative_performance",
    "rp_interval",
    "transductive",
    "trials",
    "verification",
    "verify_pairs",
    "view_pairs",
]

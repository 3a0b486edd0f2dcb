"""Retrieval and verification: distances between embeddings, ranks, scores and their intervals. Pure torch and numpy, no host.

``rank_probes`` ranks the probes of a split once; all scores and intervals are taken of what it returns.
"""

from .bootstrap import Resampled, Resamples, mean_over_seeds, rp_interval
from .distances import distance_matrix
from .mean_scores import accuracy, by_kind, cmc, mean_precision, view_pairs
from .postprocessing import POST, transductive_mark
from .ranks import OF_SPLIT, Trials, rank_probes
from .relative_performance import relative_performance
from .verification import NoPairs, verify_pairs, verify_split

__all__ = [
    "NoPairs", "OF_SPLIT", "POST", "Resampled", "Resamples", "Trials", "accuracy", "by_kind", "cmc", "distance_matrix", "mean_over_seeds",
    "mean_precision", "rank_probes", "relative_performance", "rp_interval", "transductive_mark", "verify_pairs", "verify_split",
    "view_pairs",
]  # fmt: skip

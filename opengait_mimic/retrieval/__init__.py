"""Retrieval: distances between embeddings, Rank-k, mAP, mINP, and relative performance. Pure torch and numpy, no host."""

from .distances import distance_matrix
from .performance import RelativePerformance, relative_performance
from .ranks import RankResult, mate_rank, precision, rank_k

__all__ = ["RankResult", "RelativePerformance", "distance_matrix", "mate_rank", "precision", "rank_k", "relative_performance"]

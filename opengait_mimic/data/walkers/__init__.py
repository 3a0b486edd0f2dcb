"""Generated walking silhouettes: an articulated body in perspective, in OpenGait's tree.

``draws`` numbers that a key alone decides, ``body`` who walks, ``gait`` how, ``render`` and ``noise`` what a camera
and a segmentation make of it, ``walk`` one sequence, ``tree`` a population on disk.
"""

from .body import Session, Subject, session, subject
from .tree import WalkersTree, content_hash, mean_silhouette_rank1, write_walkers
from .walk import sequence

__all__ = [
    "Session",
    "Subject",
    "WalkersTree",
    "content_hash",
    "mean_silhouette_rank1",
    "sequence",
    "session",
    "subject",
    "write_walkers",
]

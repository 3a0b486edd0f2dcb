"""Generated walking silhouettes: an articulated body in perspective, in OpenGait's tree.

``random_stream`` numbers that a key alone decides, ``body`` who walks, ``gait`` how, ``render`` and ``noise`` what a camera
and a segmentation make of it, ``walk`` one sequence, ``tree`` a population on disk.
"""

from .body import draw_subject
from .tree import WalkersTree, mean_silhouette_rank1, write_walkers
from .walk import make_sequence

__all__ = ["WalkersTree", "draw_subject", "make_sequence", "mean_silhouette_rank1", "write_walkers"]

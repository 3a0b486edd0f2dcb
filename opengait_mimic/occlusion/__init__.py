"""Synthetic occlusion: which kinds there are, how one is drawn, how it is applied.

A draw is data (a kind and its numbers); applying it is a pure function. Draws are counter-based: they depend on their key
alone, so the order of the data, the number of processes and the host cannot change them, and another code base can redo
them (`uniforms`).

==========  =====================================  ========================================================================
kind        what ``hidden`` is a share of          what happens
==========  =====================================  ========================================================================
none        -                                      nothing
bottom      the height                             these rows are cropped off, the rest is stretched to the full height
top         the height                             the same for the upper rows
middle      the height                             a black band at a random height
patch       the height and the width               a black rectangle on the lower edge moves through the picture
pole        the width                              a black bar over the full height moves through the picture
==========  =====================================  ========================================================================

Source: MimicGait (WACV 2025), section 4.2 and figure 1: consistent and dynamic occlusions, 40 to 60 % "of the spatial
dimensions". Top and bottom are cropped as a person detector's box would be.
"""

from .apply import apply, binarise, targets
from .draws import Draw, Occlusion, draw, test_key, training_key, uniforms
from .frame_times import clip_times, drawn_times
from .kinds import KINDS, MOVING

__all__ = [
    "KINDS",
    "MOVING",
    "Draw",
    "Occlusion",
    "apply",
    "binarise",
    "clip_times",
    "draw",
    "drawn_times",
    "targets",
    "test_key",
    "training_key",
    "uniforms",
]

"""The kinds of occlusion."""

from __future__ import annotations

KINDS = ("none", "bottom", "top", "middle", "patch", "pole")
"""Kinds by class index. The name says what is hidden: an end or the middle of the body, or what a moving object covers."""

MOVING = ("patch", "pole")
"""Kinds that differ from frame to frame; the others hide every frame of a clip alike."""

BLACK = ("middle", "patch", "pole")
"""Kinds that blacken pixels; ``top`` and ``bottom`` are cropped off."""

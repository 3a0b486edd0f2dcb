"""Passes over the test set: one on whole bodies, one for each condition; see `embed` and, for the files, `layout`."""

from .kept import reread
from .keys import fingerprint
from .layout import Pass
from .pictures import frames_of, manifest_of
from .run import embed, embed_each

__all__ = ["Pass", "embed", "embed_each", "fingerprint", "frames_of", "manifest_of", "reread"]

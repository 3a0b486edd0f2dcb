"""Passes over the test set: one on whole bodies, one for each condition; see `embed` and, for the files, `layout`."""

from .cache import reread
from .cache_key import fingerprint
from .embed import embed, embed_each
from .embedding_file import Pass
from .frames_shown import frames_of, manifest_of

__all__ = ["Pass", "embed", "embed_each", "fingerprint", "frames_of", "manifest_of", "reread"]

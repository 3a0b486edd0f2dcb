"""Embeddings of a test set: one pass on whole bodies and one for each condition and seed, computed once and cached."""

from .cache import reload_pass
from .cache_key import fingerprint_test_data
from .embed import embed_all, embed_each
from .embedding_file import Pass
from .frames_shown import build_manifest, sample_frames

__all__ = ["Pass", "build_manifest", "embed_all", "embed_each", "fingerprint_test_data", "reload_pass", "sample_frames"]

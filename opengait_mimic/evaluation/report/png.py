"""Grey pictures as PNG data URIs, for a page that fetches nothing."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np


def png(picture: np.ndarray) -> bytes:
    """A grey picture as a PNG.

    Shape:
        picture: uint8 [h, w]

    Raises:
        ValueError: another type or shape.
    """
    if picture.dtype != np.uint8 or picture.ndim != 2 or 0 in picture.shape:
        raise ValueError(f"a picture of {picture.dtype} {list(picture.shape)}: want uint8 [height, width], neither of them 0")
    h, w = picture.shape
    lines = np.concatenate([np.zeros((h, 1), np.uint8), picture], axis=1)  # each line begins with its filter: none
    chunks = {b"IHDR": struct.pack(">IIBBBBB", w, h, 8, 0, 0, 0, 0), b"IDAT": zlib.compress(lines.tobytes(), 9), b"IEND": b""}
    parts = [struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks.items()]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def data_uri(picture: np.ndarray) -> str:
    """``data:image/png;base64,...`` of a grey picture, uint8 [h, w]."""
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode("ascii")


def strip(frames: np.ndarray, gap: int = 2) -> np.ndarray:
    """Frames side by side with a grey gap between them.

    Shape:
        frames: uint8 [k, h, w] -> uint8 [h, k * w + (k - 1) * gap]
    """
    k, h, w = frames.shape
    out = np.full((h, k * (w + gap)), 128, dtype=np.uint8)
    for i, frame in enumerate(frames):
        out[:, i * (w + gap) : i * (w + gap) + w] = frame
    return out[:, : k * (w + gap) - gap]

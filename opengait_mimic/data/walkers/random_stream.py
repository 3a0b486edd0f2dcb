"""Random numbers that stay the same on every machine and in every numpy version."""

from __future__ import annotations

import hashlib

import numpy as np


class RandomStream:
    """A stream of numbers that its key alone decides.

    Uniforms are taken from the raw Philox counter, whose output numpy keeps fixed; numpy's own ``normal`` may change
    between versions, so ``bell`` stands in for it.

    Args:
        *key: what the stream is for, e.g. ``(0, "subject", 7)``; numbers and strings without ``/``.
    """

    def __init__(self, *key: int | str):
        digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
        self.bits = np.random.Philox(key=int.from_bytes(digest[:16], "little"))

    def uniform(self, low: float = 0.0, high: float = 1.0, size: int | tuple[int, ...] = ()) -> np.ndarray:
        """Uniform in [low, high); a 0-d array (a plain number) without ``size``."""
        count = int(np.prod(size))
        u = (self.bits.random_raw(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return low + (high - low) * u.reshape(size)

    def bell(self, mean: float = 0.0, sd: float = 1.0, size: int | tuple[int, ...] = ()) -> np.ndarray:
        """Bell-shaped with this mean and standard deviation, never further than 3.5 sd out (sum of four uniforms)."""
        shape = (size,) if isinstance(size, int) else tuple(size)
        u = self.uniform(size=(4, *shape))
        return mean + sd * np.sqrt(3.0) * (u[0] + u[1] + u[2] + u[3] - 2.0)

"""What is wrong with a pickle."""

from __future__ import annotations


class PickleError(ValueError):
    """A pickle that holds no array of numbers, or not the whole of it.

    Attributes:
        kind: ``empty``, ``truncated``, ``not a pickle``, ``forbidden`` (it asks Python to run something), ``objects``, ``not an array``,
            ``no frames`` or ``damaged``.
        why: what was found.
    """

    def __init__(self, kind: str, why: str, file: str = ""):
        self.kind, self.why, self.file = kind, why, file
        super().__init__(f"{file}: {why}" if file else why)

    def __reduce__(self):  # a worker's error reaches its parent whole
        return type(self), (self.kind, self.why, self.file)

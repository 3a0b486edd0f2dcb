"""Exceptions whose message a user can act on."""

from __future__ import annotations


class ConfigError(ValueError):
    """Values of our YAML blocks are missing, unknown, of the wrong type or out of range. One argument, one line, for each problem."""

    def __str__(self) -> str:
        """All problems, one per line."""
        return "\n".join(map(str, self.args))


class HostError(RuntimeError):
    """The host, a file or a place on the disk is not what it should be."""


class CheckpointError(RuntimeError):
    """A checkpoint is missing, cannot be read, or does not fit the network it is loaded into."""


class DataError(RuntimeError):
    """A sequence cannot be read. A loader's worker passes its error on as the text of a traceback; the message is taken out of it."""

    def __init__(self, text: str):
        super().__init__(text.rpartition(f"{type(self).__module__}.{type(self).__qualname__}: ")[2].rstrip())

"""Exceptions whose message names the problem and the cure; a command prints the message alone."""

from __future__ import annotations


class ConfigError(ValueError):
    """Keys of our YAML blocks are missing, unknown, of the wrong type or out of range. One argument for each problem."""

    def __str__(self) -> str:
        """All problems, one per line."""
        return "\n".join(map(str, self.args))


class HostError(RuntimeError):
    """The host, a file or a folder cannot be used."""


class CheckpointError(RuntimeError):
    """A checkpoint is missing, cannot be read, or does not fit the network it is loaded into."""


class Misfit(CheckpointError):
    """A checkpoint can be read but holds something else. The caller adds the file and the key that named it."""


class TrainingStopped(RuntimeError):
    """A training ended before its last iteration, because too many steps in a row could not train."""


class DataError(RuntimeError):
    """A sequence cannot be read. A loader's worker passes its error on as the text of a traceback; the message is taken out of it."""

    def __init__(self, text: str):
        super().__init__(text.rpartition(f"{type(self).__module__}.{type(self).__qualname__}: ")[2].rstrip())

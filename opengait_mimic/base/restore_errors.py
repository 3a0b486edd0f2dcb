"""What is told where a checkpoint's optimiser, schedule or gradient scaler does not go into the one that was built."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Callable

import torch

from .errors import CheckpointError

PARTS = ("optimizer", "scheduler")


def with_reasons(load: Callable) -> Callable:
    """A host's ``_load_ckpt(self, file)``, with what its optimiser and its schedule refuse told by file and part."""

    @functools.wraps(load)
    def _load_ckpt(self, file):
        found = [(name, getattr(self, name)) for name in PARTS if hasattr(self, name)]
        for name, part in found:
            part.load_state_dict = _guarded(part.load_state_dict, file, name)
        try:
            return load(self, file)
        finally:
            for _, part in found:
                del part.load_state_dict

    return _load_ckpt


def _guarded(load: Callable, file, name: str) -> Callable:
    def load_state_dict(state):
        with told(file, name):
            if name == "scheduler":  # which itself takes whatever it is given
                int(state["last_epoch"])
            return load(state)

    return load_state_dict


@contextlib.contextmanager
def told(file, name: str) -> Iterator[None]:
    """Inside, a part of a checkpoint is restored.

    Args:
        file: the checkpoint.
        name: the part.

    Raises:
        CheckpointError: it cannot be; names both.
    """
    try:
        yield
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        why = f"{type(error).__name__}: {error}" if not isinstance(error, RuntimeError) else str(error)
        raise CheckpointError(
            f"{file}: its {name} cannot be restored ({why}). Was the file edited, or written by a training with another {name}_cfg or"
            f" model? Put it back as it was written, take another, or go on with a new {name}: trainer_cfg.{name}_reset: true, with --iter"
        ) from error

"""Report an optimiser, a schedule or a gradient scaler of a checkpoint that does not fit, by the file and the part."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Callable

import torch

from .errors import CheckpointError

MISFITS = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)


def with_reasons(load: Callable) -> Callable:
    """A host's ``_load_ckpt(self, file)`` that reports what its optimiser and its schedule refuse."""

    @functools.wraps(load)
    def _load_ckpt(self, file):
        parts = {name: getattr(self, name) for name in ("optimizer", "scheduler") if hasattr(self, name)}
        for name, part in parts.items():
            part.load_state_dict = functools.partial(_restore, part.load_state_dict, file, name)
        try:
            return load(self, file)
        finally:
            for part in parts.values():
                del part.load_state_dict

    return _load_ckpt


def _restore(load: Callable, file, name: str, state):
    with report_misfit(file, name):
        if name == "scheduler":  # a schedule itself takes any value
            int(state["last_epoch"])
        return load(state)


@contextlib.contextmanager
def report_misfit(file, name: str) -> Iterator[None]:
    """Inside, the part of this name is restored from a checkpoint.

    Raises:
        CheckpointError: it does not fit; the message names the file and the part.
    """
    try:
        yield
    except MISFITS as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        why = str(error) if isinstance(error, RuntimeError) else f"{type(error).__name__}: {error}"
        raise CheckpointError(
            f"{file}: its {name} cannot be restored ({why}). Does the file come from a training with another {name}_cfg or model? Take"
            f" another checkpoint, or go on with a new {name}: trainer_cfg.{name}_reset: true, with --iter"
        ) from error

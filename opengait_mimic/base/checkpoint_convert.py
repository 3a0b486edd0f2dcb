"""``opengait-mimic convert``: an old checkpoint that holds objects becomes one of tensors and plain values, bare weights a checkpoint."""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path
from types import SimpleNamespace

import torch

from . import pickle_names as pickled
from .checkpoint_file import ENTRY, bare, find_damage, load, write
from .errors import CheckpointError
from .plain_values import plain

KNOWN = {
    "numpy.core.multiarray.scalar": "a NumPy number",
    "numpy.core.multiarray._reconstruct": "a NumPy array",
    "numpy.ndarray": "a NumPy array",
    "numpy.dtype": "the type of NumPy numbers",
    "argparse.Namespace": "options of a command line",
    "easydict.EasyDict": "a dict with attributes",
}
"""What is common in old checkpoints and harmless."""
NO_CHECKPOINT = (
    "has no `model` entry, so it is none of OpenGait's checkpoints. Save the weights in it as a file of their own (names -> tensors):"
    " convert writes such a file under `model`"
)


def convert(source: str, out: str, trust: bool = False) -> tuple[list[str], bool]:
    """Write a checkpoint of tensors and plain values with what an old file holds; nothing of the old file runs unless it is trusted.

    Bare weights (a state dict, a module) go under ``model``, where OpenGait and this plugin look for them.

    Args:
        source: the old file.
        out: the file to write, which must not exist.
        trust: read it, and with it run what it names; else only say what that is.

    Returns:
        The lines to print, and whether it is done; False: it waits for ``trust``.

    Raises:
        CheckpointError: the old file is cut short, damaged, or not of torch; it names what is not installed, or more than could be read
            off it; nothing but objects is in it; it is plain and neither a checkpoint nor bare weights.
        FileExistsError: ``out`` exists. HostError: it cannot be written.
    """
    file = Path(source)
    if Path(out).exists():
        raise FileExistsError(f"--out {out} exists; remove it or name another file")
    try:
        names = pickled.beyond(file)
    except (OSError, EOFError, ValueError, KeyError):
        raise CheckpointError(f"{file} {find_damage(file)}") from None
    if not names:
        found = load(file, "convert")
        if bare(found):
            return _write(out, found, []), True
        if not _has_model(found):
            raise CheckpointError(f"{file} holds tensors and plain values alone, but {NO_CHECKPOINT}")
        return [f"{file} holds tensors and plain values alone: it is read as it is, and nothing is written"], True
    lines = [f"{file} names what is no tensor and no plain value. Reading it imports and may call:"]
    width = max(map(len, names))
    lines += [f"  {name:<{width}}   {_note(name)}".rstrip() for name in names]
    if not trust:
        return [*lines, "Nothing was run or written. Only where you trust the origin of this file: the same command with --trust"], False
    left: list[str] = []
    found = plain(_run(file, names), "", left)
    if isinstance(found, dict):
        found.pop(ENTRY, None)  # it would vouch for a file that it does not describe
    if not found or (isinstance(found, dict) and "model" in found and not found["model"]):
        raise CheckpointError(f"{file}: no weights are left without its objects ({', '.join(left[:5])}); nothing is written")
    return _write(out, found, left), True


def _write(out: str, found, left: list[str]) -> list[str]:
    """Write what is plain now, bare weights under ``model``; returns the lines to print."""
    lines = [f"left out, it has no plain form: {each.lstrip('.')}" for each in left]
    if bare(found):
        found = {"model": found}
        lines.append("bare weights: they are written under `model`, as in OpenGait's checkpoints")
    write(Path(out), found)
    load(out, "--out")
    if not _has_model(found):
        lines.append(f"note: what is written {NO_CHECKPOINT}")
    return [*lines, f"written: {out}, which is read with weights_only=True"]


def _has_model(found) -> bool:
    return isinstance(found, dict) and isinstance(found.get("model"), dict)


def _note(name: str) -> str:
    """What is known of a name that a pickle looks up; empty for one of torch or NumPy that is not `KNOWN`."""
    if (known := KNOWN.get(_old(name))) is not None:
        return f"({known})"
    if name == pickled.UNKNOWN:
        return "(may do anything)"
    return "" if name.startswith(("torch.", "numpy.")) else "(not of torch or NumPy: may do anything)"


def _run(file: Path, names: list[str]):
    """What the pickle makes when it is run; it gets at nothing but tensors and the names that were said."""

    class Reader(pickle.Unpickler):
        def find_class(self, module, name):
            asked = pickled.full(module, name)
            if asked not in names and not pickled.is_plain(asked):
                raise CheckpointError(f"{file} asks for {asked}, which could not be read off its pickle before it ran: refused")
            try:
                return super().find_class(module, name)
            except (ImportError, AttributeError):
                if module.startswith(("numpy._core", "numpy.core")):  # of the other NumPy
                    return getattr(importlib.import_module(_other(module)), name)
                raise

    def read(stream, **named):
        return Reader(stream, **named).load()

    said_alone = SimpleNamespace(__name__="said_alone", Unpickler=Reader, load=read)
    try:
        return torch.load(file, map_location="cpu", weights_only=False, pickle_module=said_alone)
    except (ImportError, AttributeError) as error:
        raise CheckpointError(
            f"{file} needs what is not there: {error}. Run this where the code that wrote the file can be imported (PYTHONPATH)"
        ) from error
    except (pickle.UnpicklingError, EOFError, TypeError, ValueError) as error:
        raise CheckpointError(f"{file} cannot be read: {error}") from error


def _old(name: str) -> str:
    return name.replace("numpy._core.", "numpy.core.", 1)


def _other(module: str) -> str:
    new, old = "numpy._core", "numpy.core"
    return module.replace(new, old, 1) if module.startswith(new) else module.replace(old, new, 1)

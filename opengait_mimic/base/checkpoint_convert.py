"""``opengait-mimic convert``: make a checkpoint that is read as it is from objects, bare weights, or weights that were wrapped."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import torch

from . import checkpoint_file
from .errors import CheckpointError
from .plain_values import to_plain

RENAMED = {"__builtin__": "builtins", "copy_reg": "copyreg"}
"""Python 2's names of modules, which old pickles use."""


def convert(source: str, out: str, trust: bool = False) -> tuple[list[str], bool]:
    """Write what is plain in an old file as a checkpoint; bare weights go under ``model``, prefixes are taken off.

    Without ``trust`` nothing of the old file runs. With it, torch's safe loader is allowed the listed names, and no others.

    Args:
        source: the old file.
        out: the file to write; it must not exist.
        trust: allow the names; otherwise list them.

    Returns:
        The lines to print, and whether the work is done; False: it waits for ``trust``.

    Raises:
        CheckpointError: the old file is damaged, not of torch, needs a package that is missing, or has no weights.
        FileExistsError: ``out`` exists. HostError: ``out`` cannot be written.
    """
    file = Path(source)
    if Path(out).exists():
        raise FileExistsError(f"--out {out} exists; remove it or name another file")
    if why := checkpoint_file.find_damage(file):
        raise CheckpointError(f"{file} {why}")
    try:
        names = checkpoint_file.list_objects(file)
    except checkpoint_file.UNREADABLE as error:
        raise CheckpointError(f"{file} cannot be read: {error}") from error
    if not names:
        content = _inner_weights(checkpoint_file.load(file, "convert"))
        if checkpoint_file.is_state_dict(content):
            return _write(out, content, []), True
        if not isinstance(content, dict) or "model" not in content:
            raise CheckpointError(
                f"{file} has no `model` entry. Save its weights (names -> tensors) as a file of their own, and convert that"
            )
        if isinstance(content["model"], dict) and checkpoint_file.strip_wrappers(content["model"])[1]:
            return _write(out, content, []), True
        return [f"{file} holds tensors and plain values alone: it is read as it is, and nothing is written"], True
    if not trust:
        lines = [f"{file} holds more than tensors and plain values. Reading it imports and may call:", *(f"  {name}" for name in names)]
        return [*lines, "Nothing was run or written. If you trust the origin of this file: the same command with --trust"], False
    refused: list[str] = []
    content = _inner_weights(to_plain(_load_trusted(file, names), "", refused))
    if not isinstance(content, dict) or not content or not content.get("model", True):
        raise CheckpointError(f"{file}: no weights are left without its objects ({', '.join(refused[:5])}); nothing is written")
    return _write(out, content, refused), True


def _inner_weights(content):
    """The only state dict of a file without a ``model`` entry, as other programs save it (``state_dict``); else the content as it is."""
    if not isinstance(content, dict) or "model" in content or checkpoint_file.is_state_dict(content):
        return content
    inner = [value for value in content.values() if checkpoint_file.is_state_dict(value)]
    return inner[0] if len(inner) == 1 else content


def _load_trusted(file: Path, names: list[str]):
    """Read a file with torch's safe loader, which allows these names as well."""
    try:
        allowed = [(_import(name), name) for name in names]
    except (ImportError, AttributeError) as error:
        raise CheckpointError(f"{file} needs a package that is missing: {error}. Install it, or add its folder to PYTHONPATH") from error
    dtypes = [type(np.dtype(code)) for code in "?bBhHiIlLqQefdgFDGSUOMm"]
    try:
        with torch.serialization.safe_globals([*allowed, *dtypes]):
            return torch.load(file, map_location="cpu", weights_only=True)
    except checkpoint_file.UNREADABLE as error:
        raise CheckpointError(f"{file} cannot be read by torch's safe loader: {checkpoint_file.read_reason(error)}") from error


def _import(name: str):
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(RENAMED.get(module, module)), last)


def _write(out: str, content, refused: list[str]) -> list[str]:
    """Write the plain content, and return the lines to print."""
    lines = [f"left out, it has no plain form: {each.lstrip('.')}" for each in refused]
    if checkpoint_file.is_state_dict(content):
        content = {"model": content}
        lines.append("bare weights: they are written under `model`, as in OpenGait's checkpoints")
    if isinstance(content.get("model"), dict):
        weights, prefix = checkpoint_file.strip_wrappers(content["model"])
        content = {**content, "model": weights}
        lines += [f"{prefix} is taken off the names of the weights"] if prefix else []
    checkpoint_file.write(Path(out), {key: value for key, value in content.items() if key != checkpoint_file.ENTRY})
    return [*lines, f"written: {out}, which is read with weights_only=True"]

"""What the pickle in a checkpoint names, read off without running it."""

from __future__ import annotations

import io
import pickletools
import zipfile
from pathlib import Path
from typing import BinaryIO

import torch

PLAIN = frozenset(
    (
        "collections.OrderedDict", "collections.Counter", "torch.Size", "torch.device", "torch.Tensor", "torch.nn.parameter.Parameter",
        "torch.serialization._get_layout", "_codecs.encode", "builtins.set", "builtins.bytearray", "builtins.complex",
    )
)  # fmt: skip
"""Beside torch's types, storages and rebuilding functions: what ``torch.load(weights_only=True)`` admits."""
UNKNOWN = "a name that it puts together while it is read"
LEGACY = 5  # pickles before the raw storages of a file that torch wrote until 1.5


def named(file: Path) -> list[str]:
    """Every ``module.name`` that reading a checkpoint looks up, in the order of its pickle.

    Raises:
        EOFError, ValueError: the pickle ends early, or is none. KeyError: a zip archive without a pickle of torch's.
    """
    found: dict[str, None] = {}
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            inside = next((name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"), None)
            if inside is None:
                raise KeyError("data.pkl")
            _scan(io.BytesIO(archive.read(inside)), found)
    else:
        with open(file, "rb") as stream:
            for _ in range(LEGACY):
                if not stream.read(1):
                    break
                stream.seek(-1, io.SEEK_CUR)
                _scan(stream, found)
    return list(found)


def beyond(file: Path) -> list[str]:
    """Those of `named` that are more than tensors and plain values."""
    return [name for name in named(file) if not is_plain(name)]


def full(module: str, name: str) -> str:
    """``module.name``, with Python 3's name of the built-in ones: protocol 2, torch's, writes Python 2's."""
    return f"{'builtins' if module == '__builtin__' else module}.{name}"


def is_plain(name: str) -> bool:
    """Whether a name is of a tensor or a plain value."""
    module, _, last = name.rpartition(".")
    if name in PLAIN or module == "torch._utils" and last.startswith("_rebuild"):
        return True
    return module in ("torch", "torch.storage", "torch.cuda") and (
        last.endswith(("Storage", "Tensor")) or isinstance(getattr(torch, last, None), torch.dtype)
    )


def _scan(stream: BinaryIO, found: dict[str, None]) -> None:
    """Go through one pickle; strings are followed through its memo, for protocol 4 names by what lies on the stack."""
    stack: list[str | None] = []
    memo: dict[int, str | None] = {}
    for code, value, _ in pickletools.genops(stream):
        if code.name in ("GLOBAL", "INST"):
            found[full(*value.split(" ", 1))] = None
            stack.append(None)
        elif code.name == "STACK_GLOBAL":
            module, name = stack[-2:] if len(stack) > 1 else (None, None)
            found[UNKNOWN if module is None or name is None else full(module, name)] = None
            stack.append(None)
        elif code.name.endswith("UNICODE") or code.name.endswith("BINUNICODE8"):
            stack.append(value)
        elif code.name == "MEMOIZE":
            memo[len(memo)] = stack[-1] if stack else None
        elif code.name in ("PUT", "BINPUT", "LONG_BINPUT"):
            memo[value] = stack[-1] if stack else None
        elif code.name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo.get(value))
        elif code.name not in ("PROTO", "FRAME"):
            stack.append(None)

"""The names that a pickle of arrays may use, and what stands for each here."""

from __future__ import annotations

import math

import numpy as np

from .errors import PickleError


class Made:
    """An array or a dtype, which the format makes first and fills in later; ``value`` is None until then."""

    __slots__ = ("value",)

    def __init__(self, value=None):
        self.value = value


def dtype(code, align=False, copy=False) -> Made:
    """``numpy.dtype(code)`` of real numbers; objects, text, dates, records and complex numbers are refused."""
    if isinstance(code, str) and code[:1] == "O":
        raise PickleError("objects", "an array of Python objects, not of numbers")
    if not isinstance(code, str) or code[:1] not in "biuf" or not code[1:].isdigit():
        raise PickleError("not an array", f"an array of {code!r:.20}, not of real numbers")
    return Made(np.dtype(code))


def with_order(kind: np.dtype, version, order, *rest) -> np.dtype:
    """The dtype in a byte order: ``<``, ``>``, ``|`` or ``=``."""
    if order not in ("<", ">", "|", "="):
        raise ValueError(f"byte order {order!r}")
    return kind if order == "|" else kind.newbyteorder(order)


def array(raw, kind: np.dtype, shape, order: str = "C", native: bool = False) -> np.ndarray:
    """An array ``shape`` of the bytes ``raw``, writable and aligned.

    Args:
        raw: uint8 ``[bytes]`` or bytes.
        native: in this machine's byte order whatever ``kind`` says (what NumPy does below protocol 5).

    Raises:
        PickleError: ``damaged``: the bytes are more or fewer than the shape needs.
    """
    if not isinstance(raw, (np.ndarray, bytes)):
        raise PickleError("objects", "an array of Python objects, not of numbers")
    shape = (shape,) if isinstance(shape, int) else shape
    if len(shape) > 32 or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(f"shape {shape!r:.100}")
    need = math.prod(shape) * kind.itemsize
    if need != len(raw):
        said = "x".join(map(str, shape))
        raise PickleError("damaged", f"an array {said} of {kind} takes {need:,} bytes, but the file has {len(raw):,} for it")
    raw = raw if isinstance(raw, np.ndarray) else bytearray(raw)
    found = np.ndarray(shape, kind, raw, 0, None, order)
    if native and not kind.isnative:
        return found.astype(kind.newbyteorder("="), order=order)
    return found if found.flags.aligned else found.copy(order)


def reconstruct(kind, shape, code) -> Made:
    """An array to be filled in; whatever size is named, none is made yet."""
    if kind is not ndarray:
        raise TypeError("only ndarray itself")
    return Made()


def frombuffer(raw, kind, shape, order) -> Made:
    """An array of protocol 5."""
    return Made(array(raw, kind.value, shape, "F" if order == "F" else "C"))


def scalar(kind, raw) -> Made:
    """One number."""
    return Made(array(raw, kind.value, ())[()])


def encode(text: str, coding: str):
    """Bytes, as Python 3 writes them in protocol 2."""
    if coding != "latin1":
        raise ValueError(f"coding {coding!r}")
    return text.encode("latin1")


def no_bytes() -> bytes:
    """No bytes, as Python 3 writes them in protocol 2."""
    return b""


def ndarray(*_):
    """`reconstruct`'s first argument; called itself, it would take memory for any size."""
    raise PickleError("damaged", "an array made in a way that NumPy does not write")


NAMES = {
    **{f"numpy.{core}.multiarray._reconstruct": reconstruct for core in ("core", "_core")},  # NumPy 1 and 2
    **{f"numpy.{core}.multiarray.scalar": scalar for core in ("core", "_core")},
    **{f"numpy.{core}.numeric._frombuffer": frombuffer for core in ("core", "_core")},  # protocol 5
    "numpy.ndarray": ndarray,
    "numpy.dtype": dtype,
    "_codecs.encode": encode,  # bytes, in protocol 2
    "__builtin__.bytes": no_bytes,
    "builtins.bytes": no_bytes,
}

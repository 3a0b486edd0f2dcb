"""Read the pickle of a gait sequence without running what the file says.

A pickle may name any function and have Python call it. Here only the names that arrays of numbers need are admitted, and each of them
stands for a function of this module. Files of NumPy 1 and 2 in the pickle protocols 2 to 5 are read.

The unpickler is Python's own in its Python version. The version in C takes memory for a size that a damaged file only claims.
"""

from __future__ import annotations

import io
import math
import os
import pickle

import numpy as np


class PickleError(ValueError):
    """A pickle that does not hold frames of numbers, or not all of them.

    Attributes:
        kind: ``empty``, ``truncated``, ``not a pickle``, ``forbidden`` (the file asks Python to run something), ``objects``,
            ``not an array``, ``no frames`` or ``damaged``.
        why: what is wrong with the file.
    """

    def __init__(self, kind: str, why: str, file: str = ""):
        self.kind, self.why = kind, why
        super().__init__(f"{file}: {why}" if file else why)


def load_frames(source: str | os.PathLike | io.BufferedIOBase) -> np.ndarray | list | tuple:
    """Read the frames of one sequence.

    Args:
        source: the path of a pickle, or a binary stream of it.

    Returns:
        An array ``[s, ...]`` of s frames, the same as from ``pickle.load`` and writable; or a list or tuple with one item per frame, which
        is an array, a number or a list of numbers. SUSTech1K keeps point clouds and picture sizes in such lists.

    Raises:
        PickleError: the file holds something else, or is damaged.
        OSError: the file cannot be opened or read.
    """
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as stream:
            return load_frames(stream)
    try:
        return _frames_of(_unpickle(source.read()))
    except PickleError as error:
        raise PickleError(error.kind, error.why, str(getattr(source, "name", ""))) from None


class _Dtype:
    """A dtype of numbers, as the file describes it."""

    def __init__(self, code, align=False, copy=False):
        self.value = np.dtype(str(code))
        if self.value.kind == "O":
            raise PickleError("objects", "an array of Python objects, not of numbers")
        if self.value.kind not in "biuf":
            raise PickleError("not an array", f"an array of {self.value}, not of real numbers")

    def set_state(self, state) -> None:
        """Take the byte order; NumPy's own ``__setstate__`` would also take flags, with which it reads numbers as pointers."""
        self.value = self.value.newbyteorder(state[1])


class _Array:
    """An array; the file creates it empty and describes its shape, type and bytes later."""

    def __init__(self, value: np.ndarray | np.generic | None = None):
        self.value = value

    def set_state(self, state) -> None:
        """Fill an empty array."""
        _, shape, dtype, fortran, raw = state
        self.value = _build_array(raw, dtype, shape, bool(fortran))


def _build_array(raw: bytes, dtype: _Dtype, shape: tuple, fortran: bool) -> np.ndarray:
    """An array of the bytes, writable and in this machine's byte order."""
    if type(raw) is not bytes or not all(type(size) is int and size >= 0 for size in shape):
        raise TypeError("an array without bytes or shape")
    if math.prod(shape) * dtype.value.itemsize != len(raw):
        raise ValueError(f"an array {shape} of {dtype.value} in {len(raw):,} bytes")
    array = np.empty(0, dtype.value)
    array.__setstate__((1, shape, dtype.value, fortran, raw))  # takes the bytes over without a copy
    return array


def _reconstruct(kind, shape, code) -> _Array:
    return _Array()


def _frombuffer(raw, dtype, shape, order) -> _Array:
    return _Array(_build_array(raw, dtype, shape, order == "F"))


def _scalar(dtype, raw) -> _Array:
    return _Array(_build_array(raw, dtype, (), False)[()])


def _encode(text: str, coding: str) -> bytes:
    """Bytes, as Python 3 writes them in protocol 2."""
    return str.encode(text, "latin1")


def _empty_bytes() -> bytes:
    return b""


ADMITTED = {
    **{("numpy.core.multiarray", "_reconstruct"): _reconstruct, ("numpy._core.multiarray", "_reconstruct"): _reconstruct},
    **{("numpy.core.multiarray", "scalar"): _scalar, ("numpy._core.multiarray", "scalar"): _scalar},
    **{("numpy.core.numeric", "_frombuffer"): _frombuffer, ("numpy._core.numeric", "_frombuffer"): _frombuffer},
    **{("numpy", "ndarray"): None, ("numpy", "dtype"): _Dtype},  # ndarray is an argument of `_reconstruct` and never called
    **{("builtins", "bytes"): _empty_bytes, ("__builtin__", "bytes"): _empty_bytes, ("_codecs", "encode"): _encode},
}
"""The names that a file may use, and what stands for each."""


class _FrameUnpickler(pickle._Unpickler):
    """Python's unpickler with the names of `ADMITTED` only, and nothing but arrays and dtypes whose state a file can set."""

    dispatch = {code: step for code, step in pickle._Unpickler.dispatch.items() if code not in pickle.EXT1 + pickle.EXT2 + pickle.EXT4}

    def find_class(self, module, name):
        """What stands for an admitted name."""
        if (module, name) not in ADMITTED:
            asked = ascii(f"{module}.{name}"[:100])[1:-1]
            raise PickleError("forbidden", f"it asks Python for {asked}, which no array needs; it was not run")
        return ADMITTED[module, name]

    def set_state(self):
        """The instruction BUILD."""
        state = self.stack.pop()
        if type(self.stack[-1]) not in (_Array, _Dtype):
            raise TypeError("content for something that is not an array")
        self.stack[-1].set_state(state)

    dispatch.update({pickle.BUILD[0]: set_state, pickle.BYTEARRAY8[0]: pickle._Unpickler.load_binbytes8})


OTHER_FILES = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x93NUM": "a .npy file; write its array with pickle.dump",
    b"PK\x03\x04": "a zip archive (.npz, or a PyTorch file)",
    b"vers": "text, perhaps of Git LFS: the file itself was not downloaded",
    b"<": "a web page: the download did not work",
}
"""What lies in the place of a pickle, by its first bytes."""


def _unpickle(data: bytes):
    """What the file holds, with `_Array` in place of arrays."""
    if not data:
        raise PickleError("empty", "the file is empty (0 bytes)")
    if data[:1] != pickle.PROTO:
        what = next((what for first, what in OTHER_FILES.items() if data.startswith(first)), f"it begins with {data[:4].hex(' ')}")
        raise PickleError("not a pickle", f"no pickle of protocol 2 to 5: {what}")
    try:
        return _FrameUnpickler(io.BytesIO(data)).load()
    except MemoryError:
        raise
    except Exception as error:  # an unpickler raises any kind of error on damaged files
        if data[-1:] != pickle.STOP:  # a name that is cut looks like a forbidden one
            raise PickleError("truncated", f"the file ends after {len(data):,} bytes, before what it holds does") from error
        if isinstance(error, PickleError):
            raise
        raise PickleError("damaged", f"its content contradicts itself ({type(error).__name__}: {str(error)[:100]})") from error


def _frames_of(value) -> np.ndarray | list | tuple:
    if type(value) in (list, tuple):
        frames = type(value)(map(_frame_of, value))
    elif type(value) is _Array and isinstance(value.value, np.ndarray) and value.value.ndim:
        frames = value.value
    else:
        what = "a single number or an unfilled array" if type(value) is _Array else f"a {type(value).__name__}"
        raise PickleError("not an array", f"it holds {what}, not an array of frames")
    if not np.size(frames) if isinstance(frames, np.ndarray) else not frames:
        shape = "x".join(map(str, getattr(frames, "shape", (0,))))
        raise PickleError("no frames", f"it holds no frames, or frames without pixels: an array {shape}")
    return frames


def _frame_of(item):
    """One item of a list of frames."""
    if type(item) is _Array and item.value is not None:
        return item.value
    if isinstance(item, (bool, int, float)):
        return item
    if type(item) in (list, tuple):
        numbers = type(item)(each.value if type(each) is _Array else each for each in item)
        if all(isinstance(each, (bool, int, float, np.number)) for each in numbers):
            return numbers
    raise PickleError("not an array", f"a list that holds a {type(item).__name__} where one frame should be an array of numbers")

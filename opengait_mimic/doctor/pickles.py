"""Read the pickle of a sequence without running what it says.

Admitted is what OpenGait's loader takes apart by frame: an array of numbers ``[s, ...]`` (s frames), or a list or tuple, an item a frame,
of such arrays, numbers, or lists of numbers (SUSTech1K keeps point clouds and picture sizes so). Files of NumPy 1 and 2 in the
protocols 2 to 5 are read; an array is the one that `pickle.load` gives, bit for bit, and writable.

Python's own `pickle.Unpickler` with a narrowed ``find_class`` was not taken: measured here, one changed byte (a ``LONG_BINPUT``) made the
one in C ask for 16 GB, and the one in Python costs 1.4 to 3 times `pickle.load`.
"""

from __future__ import annotations

import io
import os

import numpy as np

from .errors import PickleError
from .layouts import array_of
from .machine import Machine, Made

MAGIC = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x93NUM": "a .npy file; write its array with pickle.dump",
    b"PK\x03\x04": "a zip archive (.npz, or a PyTorch file)",
    b"\x1f\x8b": "gzip; unpack it",
    b"vers": "text, perhaps of Git LFS: the file itself was not downloaded",
    b"<": "a web page; the download did not work",
}


def load(source) -> np.ndarray | list | tuple:
    """Read one pickle.

    Args:
        source: a path, or a binary stream that stands at the beginning of its file.

    Returns:
        The array ``[s, ...]``, or a list or tuple of s items; see the module.

    Raises:
        PickleError: see there; its text names the file where it is known.
        OSError: the file cannot be opened or read.
    """
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb", buffering=0) as stream:
            return load(stream)
    name = getattr(source, "name", "")
    try:
        return content(whole(source))
    except MemoryError:
        raise PickleError("damaged", "it takes more memory than there is", str(name)) from None
    except PickleError as error:
        raise PickleError(error.kind, error.why, str(name)) from None


def content(data: np.ndarray) -> np.ndarray | list | tuple:
    """What a pickle holds, from its bytes (uint8, writable; the array that is returned may be a view of them)."""
    found = _content(data)
    if not (found.size if isinstance(found, np.ndarray) else len(found)):
        shape = getattr(found, "shape", (0,))
        raise PickleError("no frames", f"it holds no frames, or frames of nothing: an array {'x'.join(map(str, shape))}")
    return found


def _content(data: np.ndarray) -> np.ndarray | list | tuple:
    if not len(data):
        raise PickleError("empty", "the file is empty (0 bytes)")
    if data[0] != 0x80:
        start = bytes(data[:4])
        what = next((what for magic, what in MAGIC.items() if start.startswith(magic)), f"it begins with {start.hex(' ')}")
        raise PickleError("not a pickle", f"no pickle of protocol 2 to 5: {what}")
    found = array_of(data)
    if found is not None:
        return found
    found = Machine(data).run()
    if type(found) in (list, tuple):
        return type(found)(_item(item) for item in found)
    if not isinstance(found, Made) or not isinstance(found.value, np.ndarray):
        raise PickleError("not an array", f"it holds {_called(found)}, not an array")
    if not found.value.ndim:
        raise PickleError("not an array", "it holds an array without axes: a single number")
    return found.value


def _item(item):
    """One frame of a list."""
    if isinstance(item, Made) and isinstance(item.value, (np.ndarray, np.generic)):
        return item.value
    if isinstance(item, (bool, int, float)):
        return item
    if type(item) in (list, tuple):
        numbers = type(item)(each.value if isinstance(each, Made) else each for each in item)
        if all(isinstance(each, (bool, int, float, np.number)) for each in numbers):
            return numbers
    raise PickleError("not an array", f"a list that holds {_called(item)}, where an array of numbers is one frame")


def _called(found) -> str:
    """What something is, for a message."""
    if isinstance(found, Made):
        return "a single number" if isinstance(found.value, np.generic) else "a dtype or an array that was never filled in"
    names = {str: "text", type(None): "None", list: "a list of other things", tuple: "a list of other things", np.ndarray: "bytes"}
    return names.get(type(found), "a single number" if isinstance(found, (int, float)) else "something else")


def whole(stream) -> np.ndarray:
    """The rest of a stream: uint8, writable."""
    try:
        size = os.fstat(stream.fileno()).st_size
    except (AttributeError, io.UnsupportedOperation):
        return np.frombuffer(bytearray(stream.read()), np.uint8)
    data, done = np.empty(size, np.uint8), 0
    while done < size:
        count = stream.readinto(memoryview(data)[done:])
        if not count:
            break
        done += count
    return data[:done]

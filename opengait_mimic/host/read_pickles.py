"""How a training or a test reads its pickles: through `doctor.pickles`, with an error that names the file and the way out.

Ours admits arrays of numbers and runs nothing; see there.

`REBINDINGS` changes the host's own module ``data.dataset``: its ``pickle``, and two methods of its ``DataSet``. It is the same for OpenGait
and for the embedded host, for our models and the host's own, in this process and in the loader's workers.
"""

from __future__ import annotations

import functools
import pickle

import numpy as np

from ..doctor.errors import PickleError
from ..doctor.frames import are_points, size_of, unlike
from ..doctor.pickles import load
from .rebinding import ModuleView, Rebinding, rebind

WAY_OUT = "Prepare this sequence again, or take it away; `opengait-mimic check data --root DIR` finds all such files before a training does"
TRUST = "If you know where it comes from and want it run, `python -m opengait_mimic --trust-pickles` reads with Python's own pickle"


class DataError(RuntimeError):
    """A sequence that cannot be read; the message names the file, what is wrong with it and the way out.

    A loader's worker hands its error on as the text of its whole traceback, of which the message is taken here again.
    """

    def __init__(self, text: str):
        super().__init__(text.rpartition(f"{type(self).__module__}.{type(self).__qualname__}: ")[2].rstrip())


_trust = False


def trust_pickles(trust: bool) -> None:
    """Choose the reader of the data: ours, or Python's own `pickle`, which runs what a file says."""
    global _trust
    _trust = trust


def load_checked(stream):
    """The array ``[s, ...]`` (or list of s frames) in a binary stream.

    Raises:
        DataError: see `doctor.pickles`.
    """
    if _trust:
        return pickle.load(stream)
    try:
        return load(stream)
    except PickleError as error:
        raise DataError(f"{error}. {TRUST if error.kind in ('forbidden', 'objects') else WAY_OUT}") from None


def _checked(read):
    """``DataSet.__getitem__`` whose errors name the sequence, and which keeps to one frame size."""

    @functools.wraps(read)
    def read_sequence(self, idx):
        label, kind, view, paths = self.seqs_info[idx]
        where = f"sequence {label}-{kind}-{view}"
        try:
            inputs, info = read(self, idx)
        except (DataError, MemoryError):
            raise
        except FileNotFoundError as error:
            gone = f"{error.filename} is gone: it was there when this run began. Keep the data as it is while a run reads it"
            raise DataError(f"{where}: {gone}") from None
        except Exception as error:  # whatever the host or Python's own unpickler meets
            raise DataError(f"{where} ({', '.join(paths)}): {type(error).__name__}: {error}. {WAY_OUT}") from None
        sizes = self.__dict__.setdefault("frame_sizes", {})
        for i, frames in enumerate(inputs):
            array = isinstance(frames, np.ndarray)
            if not array and not isinstance(frames, (list, tuple)) or are_points(frames[:1] if array else frames):
                continue
            if not array and (differ := unlike(frames)):
                raise DataError(f"{paths[i]}: a list of frames that differ in size: {differ}. {WAY_OUT}")
            here = frames.shape[1:] if array else size_of(frames[0])
            size = sizes.setdefault(i, here)
            if here != size:
                here, before = ("x".join(map(str, each)) for each in (here, size))
                raise DataError(f"{paths[i]}: its frames are {here}, those read before it {before}. {WAY_OUT}")
        return inputs, info

    return read_sequence


def _reduce(_):
    """How a data set reaches a worker that is spawned (macOS, Windows, Python 3.14): the worker rebinds first."""
    return lambda self: (_rebuild, (type(self), _trust, self.__dict__))


def _rebuild(kind: type, trust: bool, state: dict):
    rebind(REBINDINGS)
    trust_pickles(trust)
    made = object.__new__(kind)
    made.__dict__.update(state)
    return made


REBINDINGS = (
    Rebinding("data.dataset", "pickle", lambda module: ModuleView(module, load=load_checked), "reads arrays of numbers and runs nothing"),
    Rebinding("data.dataset", "DataSet.__getitem__", _checked, "errors name the sequence and the file; one frame size in a data set"),
    Rebinding("data.dataset", "DataSet.__reduce__", _reduce, "a spawned loader worker reads in the same way"),
)
"""What `adapt` rebinds for reading, in both hosts."""

"""How a training or a test reads its pickles: through `doctor.pickles`, with an error that names the file and the way out.

Ours admits arrays of numbers and runs nothing; see there.

`install` rebinds names inside the host's own module ``data.dataset``: its ``pickle``, and three methods of its ``DataSet``. It is the same
for OpenGait and for the embedded host, for our models and the host's own, in this process and in the loader's workers.
"""

from __future__ import annotations

import functools
import pickle
import sys
from types import ModuleType

import numpy as np

from ..doctor.errors import PickleError
from ..doctor.frames import are_points, size_of, unlike
from ..doctor.pickles import load

WAY_OUT = "Prepare this sequence again, or take it away; `opengait-mimic check data --root DIR` finds all such files before a training does"
TRUST = "If you know where it comes from and want it run, `python -m opengait_mimic --trust-pickles` reads with Python's own pickle"


class DataError(RuntimeError):
    """A sequence that cannot be read; the message names the file, what is wrong with it and the way out.

    A loader's worker hands its error on as the text of its whole traceback, of which the message is taken here again.
    """

    def __init__(self, text: str):
        super().__init__(text.rpartition(f"{type(self).__module__}.{type(self).__qualname__}: ")[2].rstrip())


class Reader(ModuleType):
    """Stands for ``pickle`` in the host's module; a module, so that other names of it are there too."""

    def __init__(self):
        super().__init__("pickle")

    def __getattr__(self, name):
        return getattr(pickle, name)

    @staticmethod
    def load(stream):
        """The array ``[s, ...]`` (or list of s frames) in a binary stream.

        Raises:
            DataError: see `doctor.pickles`.
        """
        try:
            return load(stream)
        except PickleError as error:
            raise DataError(f"{error}. {TRUST if error.kind in ('forbidden', 'objects') else WAY_OUT}") from None


def install(trust: bool = False) -> None:
    """Let the bound host read through our unpickler.

    Args:
        trust: read with Python's own `pickle`, which runs what a file says.
    """
    module = sys.modules["data.dataset"]
    module.pickle = pickle if trust else Reader()
    kind = module.DataSet
    if not hasattr(kind, "trusts"):
        kind.__getitem__ = _told(kind.__getitem__)
        kind.__reduce__ = _sent
    kind.trusts = trust


def _told(read):
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


def _sent(self):
    """How a data set reaches a worker that is started anew (macOS, Windows, Python 3.14): this module goes with it."""
    return _received, (type(self), type(self).trusts, self.__dict__)


def _received(kind: type, trust: bool, state: dict):
    """The data set in that worker."""
    install(trust)
    there = object.__new__(kind)
    there.__dict__.update(state)
    return there

"""The host's data set reads through `opengait_mimic.data.safe_pickle`; an error names the sequence, the file and what to do.

`REBINDINGS` changes the host's module ``data.dataset``, for our models and the host's own, in this process and in the loader's workers.
"""

from __future__ import annotations

import functools
import pickle
from collections import Counter
from pathlib import Path

from ..base.errors import DataError
from ..base.files import list_folder
from ..data.check import explain_sequence
from ..data.check_report import FAILURES, STACK, describe_problem
from ..data.frames import are_points, format_size, format_sizes, list_frame_sizes
from ..data.safe_pickle import PickleError, load_frames
from ..data.sequences import Problem, sort_files
from .module_view import ModuleView, Rebinding, rebind

LIST = "`opengait-mimic check data --root DIR` lists all such files"
TRUST = "If you know where it comes from and want it run, `python -m opengait_mimic --trust-pickles` reads with Python's own pickle"

_trust = False


def trust_pickles(trust: bool) -> None:
    """Choose the reader of the data: `load_frames`, or Python's own `pickle`, which runs what a file says."""
    global _trust
    _trust = trust


def load_checked(stream):
    """The frames in a binary stream; see `load_frames`.

    Raises:
        DataError: the file does not hold frames of numbers.
    """
    if _trust:
        return pickle.load(stream)
    try:
        return load_frames(stream)
    except PickleError as error:
        cure = TRUST if error.kind in ("forbidden", "objects") else f"Cure: {FAILURES[error.kind][1]}. {LIST}"
        raise DataError(f"{error}. {cure}") from None


def _name_errors(read):
    """``DataSet.__getitem__`` whose errors name the sequence, and which refuses frames of several sizes."""

    @functools.wraps(read)
    def read_sequence(self, idx):
        label, kind, view, paths = self.seqs_info[idx]
        where = f"sequence {label}-{kind}-{view}"
        try:
            inputs, info = read(self, idx)
        except (DataError, MemoryError):
            raise
        except FileNotFoundError as error:
            gone = f"{error.filename} is gone; it was there when this run began. Leave the data as they are while a run reads them"
            raise DataError(f"{where}: {gone}") from None
        except Exception as error:  # the host, or Python's own pickle, may raise anything
            raise DataError(f"{where} ({Path(paths[0]).parent}): {_explain(paths) or f'{type(error).__name__}: {error}'}. {LIST}") from None
        sizes = self.__dict__.setdefault("frame_sizes", {})
        for i, frames in enumerate(inputs):
            _check_sizes(frames, paths[i], sizes, i)
        return inputs, info

    return read_sequence


def _explain(paths: list[str]) -> str:
    """What is wrong with a sequence that could not be read, and its cure; empty if that is not known."""
    folder = Path(paths[0]).parent
    problem = None if _trust else explain_sequence(str(folder.parents[2]), *folder.parts[-3:], [Path(path).name for path in paths])
    return describe_problem(problem) if problem else ""


def _check_listed(init):
    """``DataSet.__init__`` that refuses, by the names of the files alone, what stops a later step or is read in part."""

    @functools.wraps(init)
    def list_sequences(self, *args, **kwargs):
        try:
            init(self, *args, **kwargs)
        except NotADirectoryError as error:
            file = Path(error.filename)
            problem = Problem(next(iter(sort_files([file.name]))), str(file), "a file where folders should be")
            raise DataError(describe_problem(problem._replace(kind="depth") if problem.kind == "pickles" else problem)) from None
        counts = Counter(len(paths) for *_, paths in self.seqs_info)
        for label, kind, view, paths in self.seqs_info:
            if not paths:
                raise DataError(f"sequence {label}-{kind}-{view}: data_cfg.data_in_use leaves none of its files")
            most, folder = counts.most_common(1)[0][0], Path(paths[0]).parent
            if len(paths) != most or not all(path.endswith(".pkl") for path in paths):
                problem = Problem("files", "/".join(folder.parts[-3:]), f"{len(paths)} files, {most} in most others")
                raise DataError(f"{folder.parents[2]}: {_explain(paths) or describe_problem(problem)}. {LIST}")

    return list_sequences


def _check_sizes(frames, path: str, sizes: dict, i: int) -> None:
    """Refuse frames of another size than those before; point clouds may have any number of points."""
    here = list_frame_sizes(frames)
    if are_points(here):
        return
    if len(here) > 1:
        raise DataError(f"{path}: a list of frames that differ in size: {format_sizes(here)}. Cure: {STACK}. {LIST}")
    before, earlier = sizes.setdefault(i, (here[0], path))
    if here[0] != before:
        cure = FAILURES["sizes"][1]
        raise DataError(
            f"{path}: its frames are {format_size(here[0])}, those of {earlier} are {format_size(before)}. Cure: {cure}. {LIST}"
        )


def _reduce(_):
    """How a data set reaches a worker that is spawned (macOS, Windows, Python 3.14): the worker rebinds first."""
    return lambda self: (_rebuild, (type(self), _trust, self.__dict__))


def _rebuild(kind: type, trust: bool, state: dict):
    """The data set in that worker."""
    rebind(REBINDINGS)
    trust_pickles(trust)
    data = object.__new__(kind)
    data.__dict__.update(state)
    return data


REBINDINGS = (
    Rebinding("data.dataset", "os", lambda module: ModuleView(module, listdir=list_folder), "leaves out .DS_Store and other hidden files"),
    Rebinding("data.dataset", "pickle", lambda module: ModuleView(module, load=load_checked), "reads arrays of numbers and runs nothing"),
    Rebinding("data.dataset", "DataSet.__init__", _check_listed, "every sequence has the same number of files, and pickles only"),
    Rebinding("data.dataset", "DataSet.__getitem__", _name_errors, "errors name the sequence and the file; one frame size in a data set"),
    Rebinding("data.dataset", "DataSet.__reduce__", _reduce, "a spawned loader worker reads in the same way"),
)
"""What `adapt` rebinds for reading, in both hosts."""

"""What the facts of every file mean for a training: against a configuration or, without one, against the rest of the files."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from .frames import POINT
from .look import File, Sequence
from .problems import Problem
from .walk import Tree
from .wanted import Input, Wanted, after


def used(sequence: Sequence, use: list | None) -> list[File | None]:
    """The files of a sequence that ``data_in_use`` (booleans, or positions; None = all) leaves, as OpenGait's loader takes them."""
    files = list(sequence.files)
    if use is None:
        return files
    if all(isinstance(each, bool) for each in use):
        return [file for file, wanted in zip(files, use) if wanted]
    return [files[i] for i in use if i < len(files)]


def check_files(tree: Tree, wanted: Wanted | None) -> list[Problem]:
    """Inputs, frames, sizes, types and values of every sequence, against the configuration or, without one, against the rest."""
    use = None if wanted is None else wanted.use
    inputs = {sequence: used(sequence, use) for sequence in tree.sequences}
    problems = []
    counts = Counter(map(len, inputs.values()))
    expected = len(wanted.inputs) if wanted is not None else _most(counts)
    by_input = defaultdict(list)
    for sequence, files in inputs.items():
        if len(files) != expected:
            names = ", ".join(file.name for file in files[:4] if file) + (", ..." if len(files) > 4 else "")
            asked = f"{expected} transform(s)" if wanted is not None else f"{expected} in most others"
            problems.append(Problem("modalities", str(sequence), f"{len(files)} files ({names}), {asked}", abs(len(files) - expected)))
            continue
        lengths = {file.frames for file in files if file}
        if len(lengths) > 1:
            said = ", ".join(f"{file.name} {file.frames}" for file in files if file)
            problems.append(Problem("unequal", str(sequence), f"frames: {said}", max(lengths) - min(lengths)))
        shortest = min(lengths, default=0)
        if wanted is not None and 0 < shortest < wanted.clip:
            problems.append(Problem("short", str(sequence), f"{shortest} frames, a training clip has {wanted.clip}", -shortest))
        for i, file in enumerate(files):
            if file is not None:
                by_input[i].append((f"{sequence}/{file.name}", file))
    for i, files in sorted(by_input.items()):
        asked = None if wanted is None else wanted.inputs[i]
        silhouettes = _like_silhouettes(files, expected == 1) if asked is None else asked.test is not None
        problems += _one_input(files, silhouettes, asked, wanted)
    return problems


def _one_input(files: list[tuple[str, File]], silhouettes: bool, asked: Input | None, wanted: Wanted | None) -> list[Problem]:
    """The files of one input."""
    problems = []
    geometry, axes = (None, (2,)) if wanted is None else (wanted.geometry, (2, 3) if wanted.channels > 1 else (2,))
    arrays = [(where, file) for where, file in files if not file.unlike]
    for where, file in files:
        if file.unlike and (silhouettes or not file.points):
            problems.append(Problem("unlike", where, f"a list of {file.frames} items: {file.unlike}", file.frames))
        elif file.listed:
            problems.append(Problem("lists", where, f"a list of {file.frames} items"))
    kind = _most(Counter(file.dtype for _, file in arrays))
    problems += [Problem("type", where, f"{_type(file.dtype)}, most are {_type(kind)}") for where, file in arrays if file.dtype != kind]
    made, largest, refused = {}, {}, {}
    for size, dtype in {(file.size, file.dtype) for _, file in arrays}:
        made[size], largest[dtype] = size, 1 / 255
        if asked is not None and silhouettes:
            try:
                found = after(asked.test, size, dtype, 1 if dtype[1:] == "b1" else 255)
                made[size], largest[dtype] = found.shape[1:], float(found.max()) / (1 if dtype[1:] == "b1" else 255)
                trained = found.shape[1:] if asked.train is None else after(asked.train, size, dtype, 1).shape[1:]
                if trained != found.shape[1:]:
                    refused[size] = f"{_size(trained)} in training, {_size(found.shape[1:])} in the test"
            except Exception as error:  # whatever a transform meets
                refused[size] = f"{type(error).__name__}: {error}"
    common = _most(Counter(made[file.size] for _, file in arrays if file.size not in refused))
    for where, file in arrays:
        size = made[file.size]
        becomes = "" if size == file.size else f", which the transforms make {_size(size)}"
        if silhouettes and len(size) not in axes:
            said = f"an array {_size((file.frames, *file.size))}"
            problems.append(Problem("axes", where, said + (f", of whose frames the transforms make {_size(size)}" if becomes else "")))
            continue
        if file.size in refused:
            problems.append(Problem("transform", where, f"frames {_size(file.size)} of {_type(file.dtype)}: {refused[file.size]}"))
        elif silhouettes and geometry is not None and size != geometry:
            problems.append(Problem("geometry", where, f"{_size(file.size)}{becomes}; model_cfg.geometry is {_size(geometry)}"))
        elif size != common and silhouettes:
            problems.append(Problem("sizes", where, f"{_size(file.size)}{becomes}; most are {_size(common)}"))
        if silhouettes:
            problems += _values(where, file, largest.get(file.dtype, 1 / 255))
    return problems


LABELS = range(2, 33)
"""Largest values of maps whose numbers are names: the parts of a body in a parsing."""


def _like_silhouettes(files: list[tuple[str, File]], alone: bool) -> bool:
    """Are the files of an input silhouettes, as no configuration says what they are?

    Points and labels are none. Whatever has other axes than pictures is none beside other inputs, and ``alone`` a mistake.
    """
    if _most(Counter(len(file.size) for _, file in files)) != 2:
        return alone
    columns, high = (_most(Counter(each)) for each in ((file.size[-1] for _, file in files if file.size), (file.high for _, file in files)))
    return columns > POINT and high not in LABELS


INVERTED = 0.75
"""Share of the edges from which on bright means the background. A person who is cut out upright touches some of each edge: 4 to 12 % of all
four in the walkers, whole and cut to 64x44, in any resolution (a test looks), so inverted ones 88 % and more. To reach three quarters a
body would have to fill most of both sides."""
GREY = 0.15
"""Share of the pixels between a tenth and half of the largest value from which on frames are no silhouettes: smoothed outlines of a
person of 16 pixels blown up to 64 have 11 %, smaller ones made of larger ones less (a test looks); even noise has 40 %."""


def _values(where: str, file: File, scale: float) -> list[Problem]:
    """The values of one file of silhouettes, which a transform multiplies by ``scale``."""
    span = f"{file.low:g}..{file.high:g}"
    if file.high == 0 and file.low == 0:
        return [Problem("blank", where, f"all {file.frames} frames are 0", file.frames)]
    if file.low == file.high:
        return [Problem("constant", where, f"all {file.frames} frames are {file.high:g}", file.frames)]
    problems = []
    if file.low < 0 or file.high * scale > 1.001 or file.high * scale < 0.5:
        problems.append(
            Problem("range", where, f"{_type(file.dtype)} {span}, in the network {file.low * scale:.3g}..{file.high * scale:.3g}")
        )
    if file.blank:
        problems.append(Problem("blank frames", where, f"{file.blank} of {file.frames} frames", file.blank / file.frames))
    if file.edge > INVERTED:
        problems.append(Problem("inverted", where, f"{file.edge:.0%} of the frames' edges are bright", file.edge))
    if file.grey > GREY:
        problems.append(Problem("grey", where, f"{file.grey:.0%} of the pixels between a tenth and half of {file.high:g}", file.grey))
    return problems


def _most(counts: Counter):
    """The most frequent; of several the smallest, so that the order does not matter."""
    return min(counts, key=lambda key: (-counts[key], str(key)), default=None)


def _size(size) -> str:
    return "x".join(map(str, size)) or "no axes"


def _type(code: str | None) -> str:
    """``uint8`` for ``|u1``."""
    return "nothing" if code is None else str(np.dtype(code))

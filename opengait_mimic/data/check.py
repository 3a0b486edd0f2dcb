"""Check a tree of silhouette pickles: what would stop a training, or let it learn from wrong data.

Every pickle is read once, by `load_frames`, which runs nothing. `check_report` names the kinds of problem and what to do about each.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from ..base.errors import ConfigError
from ..base.files import read_text
from .frames import POINT_COLUMNS, Frames, are_points, format_size, format_sizes
from .layout import explain_root, find_clips
from .names import describe_lookalike, pair_lookalikes
from .sequences import Problem, Sequence, count_files, list_sequences, read_sequence, read_sequences, sort_files


class Expected(NamedTuple):
    """What a configuration asks of the data.

    Attributes:
        transforms: per input the transforms of test and training, functions of silhouettes ``[s, h, w]``; None for another input.
            None altogether = there is no configuration, and the sequences are compared with each other.
        use: ``data_cfg.data_in_use``: which files of a sequence are inputs, as booleans or positions; None = all.
        geometry: ``model_cfg.geometry`` (h, w), where the model has one.
        batch: [P, K] of a sampler that draws K sequences of P identities.
        sides: types and views of all test sequences -> per subset the masks of probes and gallery; None = unknown.
        by_list: the partition's list that decides instead, ``PROBE_SET`` or ``GALLERY_SET``; empty = none does.
    """

    transforms: list[tuple[Callable, Callable] | None] | None = None
    use: list | None = None
    geometry: tuple[int, int] | None = None
    batch: tuple[int, int] | None = None
    sides: Callable[[list[str], list[str]], dict[str, tuple]] | None = None
    by_list: str = ""


def check_data(
    root: str | os.PathLike,
    partition: dict | None = None,
    expected: Expected | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[Sequence], list[Problem]]:
    """Read every sequence ``<root>/<id>/<type>/<view>/*.pkl`` and list what is wrong.

    Args:
        root: the folder of the identities.
        partition: ``TRAIN_SET`` and ``TEST_SET``, see `read_partition`; None = identities are not compared with a list.
        expected: what a configuration asks of the data.
        workers: processes that read.
        progress: called with the sequences done and their number.

    Returns:
        The sequences, and all problems.
    """
    root, expected, problems, sequences = os.fspath(root), expected or Expected(), [], []
    folders = list(list_sequences(root, problems))
    for sequence, its_problems in read_sequences(root, folders, workers):
        sequences.append(sequence)
        problems += its_problems
        progress(len(sequences), len(folders))
    if not sequences:
        labels = [] if partition is None else [*partition["TRAIN_SET"], *partition["TEST_SET"]]
        unreadable = [problem for problem in problems if problem.kind == "unreadable"]
        return [], [*unreadable, explain_root(root, labels)]
    problems += check_files(sequences, expected)
    if partition is not None:
        problems += _check_identities(sequences, partition)
        problems += _check_batch(sequences, partition, expected)
        problems += _check_sides(sequences, partition, expected)
    return sequences, problems


def read_partition(file: str | os.PathLike) -> dict:
    """A partition: a JSON object with the lists ``TRAIN_SET`` and ``TEST_SET``, and sometimes ``PROBE_SET`` or ``GALLERY_SET``.

    Raises:
        ConfigError: it is not one.
    """
    try:
        partition = json.loads(read_text(file))
    except (OSError, ValueError) as error:
        raise ConfigError(f"--partition {file}: cannot be read as JSON: {error}") from error
    if not isinstance(partition, dict) or not {"TRAIN_SET", "TEST_SET"} <= set(partition):
        raise ConfigError(f'--partition {file}: expected {{"TRAIN_SET": ["001", ...], "TEST_SET": ["075", ...]}}')
    for key in ("TRAIN_SET", "TEST_SET", "PROBE_SET", "GALLERY_SET"):
        names = partition.get(key) or []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ConfigError(f"--partition {file}: {key}: {json.dumps(names):.80}: expected a list of names in quotes")
    return partition


def check_files(sequences: list[Sequence], expected: Expected) -> list[Problem]:
    """Number of inputs, number of frames, and each input of all sequences."""
    problems, by_input = [], defaultdict(list)
    inputs = {sequence: choose_files(sequence.files, expected.use) for sequence in sequences}
    if expected.transforms is None:
        count = _most_frequent(map(len, inputs.values()))
        asked = f"{count} in most others"
    else:
        count = len(expected.transforms)
        asked = f"{count} transform(s) in the configuration"
    clips = set(find_clips(sequences))
    for sequence, files in inputs.items():
        if sequence in clips and (expected.transforms is None or len(files) != count):
            lengths = ", ".join(f"{file.name} {file.count}" for file in sequence.files[:4])
            problems.append(Problem("clips", sequence.folder, f"{len(sequence.files)} files; frames: {lengths}", len(sequence.files)))
            continue
        if len(files) != count:
            problems.append(Problem("files", sequence.folder, f"{len(files)} files, {asked}", abs(len(files) - count)))
            continue
        readable = {i: file for i, file in enumerate(files) if file is not None}
        frames = [file.count for file in readable.values()]
        if len(set(frames)) > 1:
            each = ", ".join(f"{file.name} {file.count}" for file in readable.values())
            problems.append(Problem("unequal", sequence.folder, f"frames: {each}", max(frames) - min(frames)))
        for i, file in readable.items():
            by_input[i].append((f"{sequence.folder}/{file.name}", file))
    for i, files in sorted(by_input.items()):
        if expected.transforms is None:
            problems += _check_input(files, None, _look_like_silhouettes(files, alone=count == 1), None)
        else:
            transforms = expected.transforms[i]
            problems += _check_input(files, transforms, transforms is not None, expected.geometry)
    return problems


def explain_sequence(root: str, label: str, kind: str, view: str, names: list[str]) -> Problem | None:
    """What is wrong with one sequence, whose files a loader could not read together; None if nothing is."""
    place = f"{label}/{kind}/{view}"
    for name in names:
        if os.path.isdir(os.path.join(root, place, name)):
            return Problem("depth", f"{place}/{name}", "a folder where pickles should be")
    kinds = sort_files(names)
    pickles = kinds.pop("pickles", [])
    for other, found in kinds.items():
        return Problem(other, place, f"{count_files(found)} such as {found[0]}")
    sequence, problems = read_sequence(root, (label, kind, view, pickles))
    return next(iter(problems or check_files([sequence], Expected())), None)


def choose_files(files: Iterable, use: list | None) -> list:
    """The files that ``data_in_use`` leaves, as OpenGait's loader chooses them."""
    if use is None:
        return list(files)
    if all(isinstance(each, bool) for each in use):
        return [file for file, used in zip(files, use) if used]
    return [files[i] for i in use if i < len(files)]


def _check_input(files: list[tuple[str, Frames]], transforms, silhouettes: bool, geometry: tuple | None) -> list[Problem]:
    """One input of all sequences, as (place, facts) pairs."""
    problems = []
    for where, file in files:
        if len(file.sizes) > 1 and (silhouettes or not are_points(file.sizes)):
            problems.append(Problem("unlike", where, f"a list of {file.count} frames: {format_sizes(file.sizes)}", file.count))
    files = [(where, file) for where, file in files if len(file.sizes) == 1]
    common = _most_frequent(file.dtype for _, file in files)
    for where, file in files:
        if file.dtype != common:
            problems.append(Problem("type", where, f"{np.dtype(file.dtype)}, most are {np.dtype(common)}"))
    if not silhouettes:
        return problems
    made = {key: _transform(transforms, *key) for key in {(file.size, file.dtype) for _, file in files}}
    common = _most_frequent(size for size, _, error in (made[file.size, file.dtype] for _, file in files) if not error)
    for where, file in files:
        size, scale, error = made[file.size, file.dtype]
        becomes = format_size(file.size) + ("" if size == file.size else f", which the transforms make {format_size(size)}")
        if len(size) != 2 and not (transforms and len(size) == 3 and size[-1] > POINT_COLUMNS):  # heat maps [channels, h, w]
            problems.append(Problem("axes", where, f"an array {format_size((file.count, *file.size))}"))
            continue
        if error:
            problems.append(Problem("transform", where, f"frames {format_size(file.size)} of {np.dtype(file.dtype)}: {error}"))
        elif geometry and size != tuple(geometry):
            problems.append(Problem("geometry", where, f"{becomes}; model_cfg.geometry is {format_size(geometry)}"))
        elif size != common:
            problems.append(Problem("sizes", where, f"{becomes}; most are {format_size(common)}"))
        problems += _check_values(where, file, scale)
    return problems


PARTS = range(2, 33)
"""Largest values of maps whose numbers are names, such as the parts of a body in a parsing."""


def _look_like_silhouettes(files: list[tuple[str, Frames]], alone: bool) -> bool:
    """Without a configuration: pictures that are neither points nor a parsing; a wrong number of axes is a mistake in the only input."""
    if _most_frequent(len(file.size) for _, file in files) != 2:
        return alone
    columns = _most_frequent(file.size[-1] for _, file in files if file.size)
    return columns > POINT_COLUMNS and _most_frequent(file.high for _, file in files) not in PARTS


def _transform(transforms, size: tuple, dtype: str) -> tuple[tuple, float, str]:
    """The size that the transforms make of frames, the factor of their values, and the error where they refuse them."""
    if transforms is None:
        return size, 1 / 255, ""
    largest = 1 if np.dtype(dtype).kind == "b" else 255
    frames = np.full((2, *size), largest, np.dtype(dtype))
    try:
        test, training = (np.asarray(transform(frames.copy())) for transform in transforms)
    except Exception as error:  # a transform may raise anything
        return size, 1 / 255, f"{type(error).__name__}: {error}"
    refused = ""
    if training.shape != test.shape:
        refused = f"{format_size(training.shape[1:])} in training, {format_size(test.shape[1:])} in the test"
    return test.shape[1:], float(test.max()) / largest, refused


def _check_values(where: str, file: Frames, scale: float) -> list[Problem]:
    """The values of one file of silhouettes, which the transforms multiply by ``scale``."""
    if file.low == file.high:
        return [Problem("blank", where, f"all {file.count} frames are {file.high:g}", file.count)]
    problems, low, high = [], file.low * scale, file.high * scale
    if low < 0 or high > 1.001 or high < 0.5:
        what = f"{np.dtype(file.dtype)} {file.low:g}..{file.high:g}, in the network {low:.3g}..{high:.3g}"
        problems.append(Problem("range", where, what))
    if file.blank:
        problems.append(Problem("blank frames", where, f"{file.blank} of {file.count} frames", file.blank / file.count))
    if file.inverted:
        problems.append(Problem("inverted", where, "the frames' corners are bright"))
    return problems


def _check_identities(sequences: list[Sequence], partition: dict) -> list[Problem]:
    """The identities on disk against the partition, both ways."""
    on_disk, problems = dict.fromkeys(sequence.label for sequence in sequences), []
    train, test = set(partition["TRAIN_SET"]), set(partition["TEST_SET"])
    pairs = pair_lookalikes(train | test, [label for label in on_disk if label not in train | test])
    for half in ("TRAIN_SET", "TEST_SET"):
        for label in (label for label in partition[half] if label not in on_disk):
            if label in pairs:
                problems.append(Problem("spelling", label, f"in {half}; {describe_lookalike(label, pairs[label])}"))
            else:
                problems.append(Problem("missing", label, f"in {half}, but no sequence of it is here"))
    problems += [Problem("both", label, "in TRAIN_SET and in TEST_SET") for label in sorted(train & test)]
    return problems + [
        Problem("unlisted", label, "not in the partition") for label in on_disk if label not in {*train, *test, *pairs.values()}
    ]


def _check_batch(sequences: list[Sequence], partition: dict, expected: Expected) -> list[Problem]:
    """Can [P, K] be drawn from the training identities?"""
    if expected.batch is None or not partition["TRAIN_SET"]:  # a partition for tests alone
        return []
    (p, k), train = expected.batch, set(partition["TRAIN_SET"])
    counts = Counter(sequence.label for sequence in sequences if sequence.label in train)
    problems = [Problem("few", label, f"{count} sequences, K = {k}", -count) for label, count in sorted(counts.items()) if count < k]
    if p > len(counts):
        what = f"{p} identities in a batch, but {len(counts)} of TRAIN_SET have a sequence"
        problems.append(Problem("batch", f"P x K = {p} x {k}", what))
    return problems


def _check_sides(sequences: list[Sequence], partition: dict, expected: Expected) -> list[Problem]:
    """Are there probes and a gallery in every subset, and is there a mate in the gallery for each probe?"""
    labels, problems = set(partition["TEST_SET"]), []
    sequences = [sequence for sequence in sequences if sequence.label in labels]
    if not sequences:
        return []
    sides = {}
    if expected.by_list:
        listed = set(partition.get(expected.by_list) or [])
        names = [sequence.folder.replace("/", "-") for sequence in sequences]
        problems += [Problem("missing", name, f"in {expected.by_list}, but not here") for name in sorted(listed - set(names))]
        masks = [name in listed for name in names], [name not in listed for name in names]
        sides = {expected.by_list: masks if expected.by_list == "PROBE_SET" else masks[::-1]}
    elif expected.sides is not None:
        sides = expected.sides([sequence.type for sequence in sequences], [sequence.view for sequence in sequences])
    for subset, (probe, gallery) in sides.items():
        mates = {sequence.label for sequence, chosen in zip(sequences, gallery) if chosen}
        probes = [sequence for sequence, chosen in zip(sequences, probe) if chosen]
        alone = [sequence for sequence in probes if sequence.label not in mates]
        if not probes or not mates:
            what = f"no {'gallery' if probes else 'probe'} sequence among {len(sequences)} of TEST_SET"
            problems.append(Problem("protocol", subset, what))
        elif len(alone) == len(probes):
            problems.append(Problem("protocol", subset, f"none of {len(probes)} probes has a mate in the gallery"))
        else:
            problems += [Problem("no mate", sequence.folder, f"{subset}: its identity is not in the gallery") for sequence in alone]
    return problems


def _most_frequent(values: Iterable):
    """The most frequent value; of several the smallest, so that their order does not matter."""
    counts = Counter(values)
    return min(counts, key=lambda key: (-counts[key], str(key)), default=None)

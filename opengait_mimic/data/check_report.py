"""What `check data` prints: what is there, each kind of problem with its worst paths and its cure, and the verdict."""

from __future__ import annotations

import json
import os
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from .frames import format_size
from .sequences import Problem, Sequence

AGAIN = "prepare these sequences again (OpenGait: datasets/pretreatment.py), or copy them again from where they are whole"
STACK = "bring the frames to one size, np.stack them and write the uint8 array"
FAILURES = {
    "forbidden": (
        "pickles that ask Python to run something; nothing was run",
        "delete them, and find out where they come from. A torch tensor is written with pickle.dump(tensor.numpy(), file)",
    ),
    "unreadable": ("files or folders that cannot be read", "correct permissions (chmod -R u+rX DIR), links or the disk"),
    "truncated": ("files that end before their array does", f"writing or copying was cut short: {AGAIN}"),
    "empty": ("files of 0 bytes", f"writing failed, perhaps on a full disk: {AGAIN}"),
    "not a pickle": ("files that are no pickles", "write arrays: pickle.dump(array, file, protocol=4)"),
    "damaged": ("pickles whose content contradicts itself", AGAIN),
    "objects": ("arrays of Python objects, mostly frames of several sizes in one array", STACK),
    "unlike": ("lists of frames of several sizes, of which no batch can be made", STACK),
    "not an array": ("pickles that hold something else than frames of real numbers", "write the array [frames, height, width] itself"),
    "no frames": ("arrays without frames, or of frames without pixels", "prepare these sequences again; their pictures show no body"),
    "not finite": ("NaN or infinite numbers", AGAIN),
    "depth": (
        "pickles or folders at the wrong depth",
        "OpenGait reads DIR/<id>/<type>/<view>/*.pkl: DIR is the folder of the identities",
    ),
    "pictures": (
        "pictures or videos that are not prepared yet; OpenGait reads pickles of silhouettes",
        "of colour pictures make silhouettes first. Lay these as DIR/<id>/<type>/<view>/*.png and prepare the pictures, in OpenGait:"
        " python datasets/pretreatment.py --input_path DIR --output_path NEW. NEW is the root then",
    ),
    "arrays": (
        "arrays in other files than *.pkl, which OpenGait does not read",
        "write each array [frames, height, width] as a pickle: pickle.dump(array, file) into x.pkl; numpy.load reads .npy,"
        " scipy.io.loadmat .mat. A pickle of another ending needs the name x.pkl",
    ),
    "archives": ("archives that are not unpacked", "unpack them, and keep the archives themselves outside of the tree"),
    "stray": (
        "files that are neither pickles nor pictures, where OpenGait stops at them",
        "move them out of the tree: OpenGait takes every file of a sequence for an input",
    ),
    "clips": (
        "sequences with several clips, which OpenGait takes for several inputs (modalities) of one clip",
        "give each clip a folder <view> of its own: <id>/<type>/<view>-1/1.pkl, <id>/<type>/<view>-2/2.pkl, ... data_cfg.data_in_use would"
        " throw all but one away",
    ),
    "files": (
        "sequences with another number of files than expected",
        "every file is an input and needs a transform: choose with data_cfg.data_in_use. Clips of one walk need a folder <view> each",
    ),
    "unequal": ("sequences whose files differ in frames", "all inputs of a sequence have the same frames: prepare them together"),
    "axes": (
        "arrays with other axes than [frames, height, width]",
        "of colour pictures write the silhouettes, of a single frame write frame[None]. For other inputs give the --cfgs that reads them",
    ),
    "sizes": ("frames of another size than the rest", "a batch takes one size: prepare these again with the size of the others"),
    "geometry": (
        "frames that do not become the size that model_cfg.geometry names",
        "change model_cfg.geometry or the transform: BaseSilCuttingTransform makes 64x44 of 64x64 pickles, BaseSilTransform leaves them",
    ),
    "transform": (
        "frames that the configuration's transforms refuse, or make into two sizes in training and test",
        "choose the transform of this kind of input, or other files with data_cfg.data_in_use",
    ),
    "range": ("values of which the transforms do not make 0..1", "write uint8 from 0 (background) to 255 (body): multiply 0/1 data by 255"),
    "blank": ("sequences of one value only", "segment them again, or leave them out"),
    "inverted": ("silhouettes with a bright background", "write 255 - array: the transforms take 255 for the body"),
    "spelling": (
        "names in the partition that have no folder as spelt there, but one that looks like it",
        "rename the folders, or correct the partition: OpenGait compares letter by letter",
    ),
    "missing": (
        "names in the partition without a sequence here; OpenGait leaves them out without a message",
        "fetch or prepare them, compare the spelling of the folders, or write a partition of what there is",
    ),
    "both": ("identities in TRAIN_SET and in TEST_SET", "do not test people who are trained on: keep one of the two"),
    "batch": ("a training batch that cannot be filled", "lower P of trainer_cfg.sampler.batch_size = [P, K], or add identities"),
    "protocol": (
        "a test that cannot be scored",
        "look at data_cfg.dataset_name, the spelling of types, and PROBE_SET or GALLERY_SET of the partition",
    ),
}
NOTES = {
    "blank frames": ("sequences with frames of zeros only", "nothing to do; many of them point at the segmentation"),
    "few": ("training identities with fewer sequences than K", "nothing to do: their sequences are drawn more than once"),
    "unlisted": ("identities that the partition does not name", "nothing to do, or add them to the partition"),
    "no mate": ("probes whose identity is not in the gallery", "nothing to do; the protocol counts them as failed or leaves them out"),
    "hollow": ("folders without a sequence; OpenGait skips them", "prepare what belongs there, or leave them as they are"),
    "type": ("files of another type of number than most", "uint8 takes least room and time; a mixture points at two preparations"),
}
"""Kind of problem -> what it means and what to do, the worst first. A note does not fail the check."""
WORST = 10
WIDTH = 120


def format_report(root: str | os.PathLike, sequences: list[Sequence], problems: list[Problem]) -> list[str]:
    """The lines to print, without the verdict: the data in figures, then each kind of problem with its worst paths."""
    by_kind = defaultdict(list)
    for problem in problems:
        by_kind[problem.kind].append(problem)
    lines = [printable(f"{root}: {len(sequences):,} sequences of {len({each.label for each in sequences}):,} identities")]
    lines += _describe_data(sequences)
    for kind, (means, cure) in {**FAILURES, **NOTES}.items():
        if kind in by_kind:
            lines += ["", *_format_kind(kind, by_kind[kind], means, cure)]
    return lines


def describe_problem(problem: Problem) -> str:
    """One problem as a sentence with its cure."""
    where = "" if problem.where == "." else f"{problem.where}: "
    means, cure = FAILURES[problem.kind]
    return f"{where}{problem.what} ({means}). Cure: {cure}"


def judge(problems: list[Problem]) -> tuple[bool, str]:
    """Does the tree pass, and the verdict in words."""
    failures = Counter(problem.kind for problem in problems if problem.kind in FAILURES)
    count = sum(failures.values())
    notes = f" {len(problems) - count:,} notes above." if len(problems) > count else ""
    if not failures:
        return True, f"PASS: nothing here stops a training or falsifies it.{notes}"
    each = ", ".join(f"{failures[kind]:,} {kind}" for kind in FAILURES if kind in failures)
    return False, f"FAIL: {count:,} problems ({each}): a training would stop, or learn from wrong data.{notes}"


def printable(text: str) -> str:
    """Text that any terminal can print: control and undecodable characters as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def write_json(file: str | os.PathLike, root: str | os.PathLike, sequences: list[Sequence], problems: list[Problem]) -> None:
    """Write all problems, and what the kinds that occur mean."""
    occur = {problem.kind for problem in problems}
    kinds = {kind: {"means": means, "cure": cure} for kind, (means, cure) in {**FAILURES, **NOTES}.items() if kind in occur}
    report = {
        "root": str(root),
        "passed": judge(problems)[0],
        "sequences": len(sequences),
        "kinds": kinds,
        "problems": [problem._asdict() for problem in problems],
    }
    Path(file).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _describe_data(sequences: list[Sequence]) -> list[str]:
    """Frames, sizes, types and values in two lines."""
    files = [file for sequence in sequences for file in sequence.files if file is not None]
    if not files:
        return []
    counts = np.array([file.count for file in files])
    sizes = _list_common(format_size(file.size) for file in files)
    types = _list_common(str(np.dtype(file.dtype)) for file in files)
    span = f"{min(file.low for file in files):g} to {max(file.high for file in files):g}"
    each = _list_common(str(len(sequence.files)) for sequence in sequences)
    return [
        f"  frames: {counts.sum():,} of {sizes}; {counts.min()} to {counts.max():,} in a sequence (median {int(np.median(counts))})",
        f"  type: {types}, values {span}; files in a sequence: {each}",
    ]


def _list_common(values: Iterable[str]) -> str:
    """The most frequent values with their numbers: ``64x64 (95), 128x88 (1)``."""
    counts = Counter(values).most_common(4)
    text = ", ".join(f"{name} ({count:,})" for name, count in counts[:3]) if len(counts) > 1 else counts[0][0]
    return text + (", ..." if len(counts) > 3 else "")


def _format_kind(kind: str, problems: list[Problem], means: str, cure: str) -> list[str]:
    head = "FAIL" if kind in FAILURES else "note"
    lines = textwrap.wrap(f"{head}  {len(problems):,} {kind}: {means}", WIDTH, subsequent_indent=" " * 6)
    worst = sorted(problems, key=lambda problem: (-problem.weight, problem.where))
    lines += [f"        {printable(problem.where)}: {printable(problem.what)}" for problem in worst[:WORST]]
    if len(worst) > WORST:
        lines.append(f"        ... and {len(worst) - WORST:,} more (all of them with --json FILE)")
    return lines + textwrap.wrap(f"      cure: {cure}", WIDTH, subsequent_indent=" " * 12, break_long_words=False, break_on_hyphens=False)

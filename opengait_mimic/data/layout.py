"""Recognise data that lie otherwise than ``<root>/<id>/<type>/<view>/*.pkl``: pictures, other formats, folders too many or too few, clips.

What to do about each kind is in `opengait_mimic.data.check_report`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..base.files import is_litter
from .names import pair_lookalikes
from .sequences import Problem, Sequence, count_files, sort_files

FOLDERS = 2000
"""Folders that `explain_root` looks into at most."""


def explain_root(root: str | os.PathLike, labels: Iterable[str] = ()) -> Problem:
    """Say what lies below a root that has no sequence (of these labels), and how that differs from OpenGait's tree.

    Args:
        root: the folder that was given.
        labels: the names of the partition, where one is given.
    """
    root, labels = Path(os.path.abspath(root)), list(labels)
    found = _find_first_data(root)
    if found is None:
        return Problem("depth", ".", "no pickle, picture or array lies below this folder")
    parts, kind, names = found
    example = "/".join((*parts, names[0]))
    if kind == "pickles":
        return Problem("depth", ".", f"a pickle lies at {example}; {_explain_depth(root, parts, labels)}")
    levels = "" if len(parts) == 3 or kind == "archives" else f", {len(parts)} folders deep in place of 3"
    return Problem(kind, ".", f"{count_files(names)} such as {example}{levels}")


def _find_first_data(root: Path) -> tuple[tuple[str, ...], str, list[str]] | None:
    """The first folder with data: its parts, the kind of its files and their names; what lies in the root itself comes last."""
    in_root = None
    for number, (path, folders, files) in enumerate(os.walk(root, followlinks=True)):
        folders[:] = sorted(name for name in folders if not is_litter(name))
        kinds = sort_files(name for name in files if not is_litter(name))
        kinds.pop("stray", None)
        if kinds and (path != str(root) or not folders):
            kind = min(kinds, key=("pickles", "pictures", "arrays", "archives").index)
            return Path(path).relative_to(root).parts, kind, kinds[kind]
        in_root = in_root or next((((), kind, names) for kind, names in kinds.items()), None)
        if number >= FOLDERS:
            break
    return in_root


def _explain_depth(root: Path, parts: tuple[str, ...], labels: list[str]) -> str:
    """What to do with pickles in the folders ``parts`` below the root."""
    near = [part for part in parts if part in labels or pair_lookalikes([part], labels)]
    above = len(parts) if not near else parts.index(near[0])
    if near and above and len(parts) - above == 3:
        others = [name for name in _folder_names(root) if name != parts[0]] if above == 1 else []
        more = f"; the identities in {', '.join(others[:3])} belong into the same folder" if others else ""
        return f"give {root.joinpath(*parts[:above])}, the folder of the identities{more}"
    if near and not above and len(parts) == 3 and parts[0] not in labels:
        return "its identity has another spelling in the partition"
    if near and not above and len(parts) > 3:
        return f"{len(parts) - 3} folder level(s) too many below <view>: make one folder <view> of {'/'.join(parts[2:])}"
    if near and not above and len(parts) < 3:
        return f"{3 - len(parts)} folder level(s) too few: put it into <id>/<type>/<view>, such as {parts[0]}/{(*parts[1:], 'walk')[0]}/000"
    for parent, missing in ((root, 1), (root.parent, 2)):
        if len(parts) == 3 - missing and (parent.name in labels or pair_lookalikes([parent.name], labels) or not labels):
            return f"give {parent.parent}, the folder of the identities"
    if len(parts) > 3:
        return f"give the folder of the identities, perhaps {root.joinpath(*parts[:-3])}"
    if len(parts) == 3:
        return (
            f"folders such as {', '.join(_folder_names(root)[:3])}, but names such as {', '.join(labels[:3]) or '(none)'} in the partition"
        )
    return "put each clip into a folder <id>/<type>/<view> of its own" if not parts else "give the folder of the identities"


def _folder_names(root: Path) -> list[str]:
    with os.scandir(root) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir())


def find_clips(sequences: Iterable[Sequence]) -> Iterator[Sequence]:
    """Find the sequences whose files look like clips of one walk, not like several inputs of one clip.

    Clips are of one size and one kind of numbers, and their names differ in digits alone; or most sequences with such files have
    different numbers of frames in them.
    """
    alike = [each for each in sequences if len(each.files) > 1 and _are_alike(each)]
    unequal = [each for each in alike if len({file.count for file in each.files}) > 1]
    numbered = [each for each in alike if len({re.sub(r"\d+", "", file.name) for file in each.files}) == 1]
    return iter(unequal + [each for each in numbered if each not in unequal] if 2 * len(unequal) > len(alike) else numbered)


def _are_alike(sequence: Sequence) -> bool:
    return None not in sequence.files and len({(file.sizes, file.dtype, file.high) for file in sequence.files}) == 1

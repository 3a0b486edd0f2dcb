"""``opengait-mimic check data``: the command."""

from __future__ import annotations

import datetime
import json
import os
import sys
import textwrap
import time
from pathlib import Path

from .. import __version__
from ..base.errors import ConfigError, HostError
from ..base.progress import Bar, duration
from .check_files import check_files
from .check_lists import check_batch, check_partition, check_protocol, check_totals
from .fingerprint import file_of
from .problems import KINDS, Problem
from .report import WIDTH, lines, shown, verdict
from .totals import known
from .walk import Tree, walk
from .wanted import Wanted

PLACEHOLDER = "your_path"


def run(given) -> int:
    """Check; 0 = pass, 1 = fail, 2 = it could not be checked (a wrong argument, no such folder)."""
    try:
        wanted, root, partition = _asked(given)
        lists = None if partition is None else read_partition(partition)
        if not os.path.isdir(root):
            there = "a file; give the folder that holds the identities" if os.path.exists(root) else "no such folder"
            raise ConfigError(f"--root {root}: {there}")
        workers = default_workers() if given.workers is None else given.workers
        if workers < 1:
            raise ConfigError(f"--workers {workers}: processes that read, 1 or more")
        begin = time.monotonic()
        with Bar("check data") as bar:
            tree = walk(root, 0 if workers == 1 else workers, bar)
        took = f"read in {duration(time.monotonic() - begin)} by {workers} process{'es' if workers > 1 else ''}"
    except (ConfigError, HostError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    problems, details = judge(tree, lists, partition, wanted)
    passed, last = verdict(problems)
    print("\n".join(lines(str(root), tree, problems, details, took)))
    print()
    unwritten = [fingerprint(given.fingerprint, root, tree, passed)]
    if given.json:
        try:
            write_json(given.json, root, tree, problems, passed)
        except OSError as error:
            unwritten.append(f"--json {given.json}: {error.strerror}")
    if any(unwritten):
        print("\n".join(f"error: {each}" for each in unwritten if each), file=sys.stderr)
        return 2
    print("\n".join(textwrap.wrap(last, WIDTH, subsequent_indent="      ")))
    return 0 if passed else 1


def default_workers() -> int:
    """The processors that this process may use, 16 at most: beyond that disks are the limit."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(count, 16)


def judge(tree: Tree, lists: dict | None, partition, wanted: Wanted | None) -> tuple[list[Problem], list[str]]:
    """Every problem of a tree, and what it was compared with, a line each."""
    problems = [*tree.problems, *check_files(tree, wanted)]
    details = []
    name = known(wanted.dataset if wanted is not None else None) or known(Path(partition).stem if partition else None)
    if lists is None:
        details.append(
            "no partition given (--partition, or --cfgs with data_cfg.dataset_partition): identities are not compared with any list"
        )
    else:
        problems += check_partition(tree, lists, Path(partition).name)
        halves = ", ".join(f"{len(lists[half]):,} in {half}" for half in ("TRAIN_SET", "TEST_SET"))
        details.append(f"partition: {shown(partition)}, {halves}")
    if wanted is not None:
        if lists is not None:
            problems += [*check_batch(tree, lists, wanted), *check_protocol(tree, lists, wanted)]
        size = "" if wanted.geometry is None else f", geometry {wanted.geometry[0]}x{wanted.geometry[1]}"
        batch = "" if wanted.batch is None else f", P x K = {wanted.batch[0]} x {wanted.batch[1]}"
        details.append(f"configuration: {len(wanted.inputs)} input(s){size}, clips of {wanted.clip} frames or more{batch}")
    problems += check_totals(tree, lists, name)
    if not tree.sequences:
        problems.append(
            Problem("depth", ".", "no <id>/<type>/<view>/*.pkl below this folder: give the folder that holds the identities", 1)
        )
    return problems, details


def _asked(given) -> tuple[Wanted | None, str, str | None]:
    """What the configuration wants, the root and the partition: the command line's before the configuration's."""
    if given.cfgs is None:
        if given.root is None:
            raise ConfigError("check data needs --root DIR, or --cfgs YAML whose data_cfg.dataset_root says it")
        return None, given.root, given.partition
    from .. import host as hosts
    from .wanted import read_wanted

    hosts.bind(given.host, "cpu")
    hosts.search[:] = [Path(given.cfgs).expanduser().resolve().parent]
    cfgs = hosts.load_cfgs(given.cfgs)
    data = cfgs["data_cfg"]
    if not isinstance(data, dict):
        raise ConfigError("data_cfg: several data sets at once: check each with --root and --partition")
    root, partition = given.root, given.partition
    if root is None:
        if data["dataset_root"] == PLACEHOLDER:
            raise ConfigError(f"{given.cfgs}: data_cfg.dataset_root = {PLACEHOLDER}: set it, or give --root DIR")
        root = str(hosts.resolve(str(data["dataset_root"]), f"{given.cfgs}: data_cfg.dataset_root"))
    if partition is None and data["dataset_partition"] != PLACEHOLDER:
        partition = str(hosts.resolve(str(data["dataset_partition"]), f"{given.cfgs}: data_cfg.dataset_partition"))
    return read_wanted(cfgs), root, partition


def read_partition(file: str | os.PathLike) -> dict:
    """A partition: a JSON object with the lists ``TRAIN_SET`` and ``TEST_SET``.

    Raises:
        ConfigError: it is none.
    """
    try:
        found = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"--partition {file}: cannot be read as JSON: {error}") from error
    halves = ("TRAIN_SET", "TEST_SET")
    if not isinstance(found, dict) or not all(isinstance(found.get(half), list) for half in halves):
        raise ConfigError(f'--partition {file}: expected {{"TRAIN_SET": ["001", ...], "TEST_SET": ["075", ...]}}')
    for name in (*halves, "PROBE_SET"):
        entries = found.get(name) or []
        wrong = [each for each in entries if not _name(each)] if isinstance(entries, list) else [entries]
        if wrong:
            raise ConfigError(f"--partition {file}: {name}: {json.dumps(wrong[0]):.80} is no name; expected a list of text")
    return found


def _name(entry) -> bool:
    """Is an entry of a partition a name, or a number, which is told among the problems?"""
    return isinstance(entry, (str, int, float)) and not isinstance(entry, bool)


def fingerprint(asked: str | None, root: str, tree: Tree, passed: bool) -> str | None:
    """Write the tree's fingerprint, where there is one, and print where; what is wrong with the file that was asked for, or None."""
    if not tree.sequences:
        print("fingerprint: none is written of a tree without sequences")
        return None
    file, said = asked or file_of(root), f"fingerprint {tree.values[:23]}..."
    try:
        write_fingerprint(file, tree, passed)
    except OSError as error:
        if asked:
            return f"--fingerprint {asked}: {error.strerror}"
        print(f"{said} not written: {shown(file)}: {error.strerror}. Say where with --fingerprint FILE")
        return None
    print(f"{said} in {shown(file)}")
    return None


def write_fingerprint(file: str | os.PathLike, tree: Tree, passed: bool) -> None:
    """Write what `fingerprint.recorded` reads."""
    found = {
        **{"values": tree.values, "listing": tree.listing, "passed": passed},
        **{"ids": len({sequence.label for sequence in tree.sequences}), "sequences": len(tree.sequences)},
        **{"files": tree.files, "bytes": tree.bytes, "version": __version__},
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }
    Path(file).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def write_json(file: str | os.PathLike, root, tree: Tree, problems: list[Problem], passed: bool) -> None:
    """Write everything that was found."""
    found = {
        **{"root": str(root), "passed": passed, "values": tree.values, "listing": tree.listing},
        **{"sequences": len(tree.sequences), "files": tree.files, "bytes": tree.bytes},
        "kinds": {name: kind._asdict() for name, kind in KINDS.items() if any(problem.kind == name for problem in problems)},
        "problems": [problem._asdict() for problem in problems],
    }
    Path(file).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")

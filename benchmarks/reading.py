"""What does the unpickler that runs nothing cost, against ``pickle.load``; and `check data`, against a loop in one process?

    python benchmarks/reading.py --json reading.json                         # files of 10, 100 and 400 frames
    OMP_NUM_THREADS=1 python benchmarks/reading.py --cpu-time --rounds 400   # on a CPU that others use at the same time
    python benchmarks/reading.py --tree DIR --files 100000 --workers 2       # also a walk over a tree that is written to DIR

Files are read from the system's cache, 20 times a round. README.md next to this file describes the
measuring contract. Each walk runs once as warm-up and once timed, so their ratio has no spread.
"""

from __future__ import annotations

import argparse
import os
import pickle
import sys
import tempfile
from pathlib import Path

import numpy as np
from common import CPU, Budget, add_rounds, clock_of, interleaved, ratio, write_result
from trees import write_tree

from opengait_mimic.data.check import check_data
from opengait_mimic.data.safe_pickle import load_frames

BUDGETS = {10: 5.0, 100: 3.5, 400: 2.0}
"""Frames of a short sequence, of one of Gait3D's middle length and of a long one -> the ratio that the unpickler may cost."""
CUT = 1.5
"""The ratio where each sequence is also cut to 64 x 44 and divided by 255, as a training does; of 100 frames."""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_rounds(parser, 200, 5)
    parser.add_argument("--tree", default=None, metavar="DIR", help="also check a tree of --files pickles, written there if it is not")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args(argv)
    samples, budgets, clock = {}, [], clock_of(given, CPU)
    with tempfile.TemporaryDirectory() as folder:
        for frames, most in BUDGETS.items():
            file = Path(folder) / f"{frames}.pkl"
            file.write_bytes(pickle.dumps(np.random.default_rng(0).integers(0, 256, (frames, 64, 64), dtype=np.uint8), protocol=4))
            both = {"ours": _repeated(load_frames, file), "pickle": _repeated(pickle.load, file)}
            timed = interleaved(both, given.rounds, given.warmup, CPU, clock=clock)
            samples.update({f"{name} {frames}": values for name, values in timed.items()})
            budgets.append(Budget(f"load / pickle.load, {frames} x 64 x 64", ratio(timed["ours"], timed["pickle"]), most))
        file = Path(folder) / "100.pkl"
        both = {"ours": _repeated(lambda stream: _cut(load_frames(stream)), file)}
        both["pickle"] = _repeated(lambda stream: _cut(pickle.load(stream)), file)
        timed = interleaved(both, given.rounds, given.warmup, CPU, clock=clock)
        samples.update({f"{name} cut": values for name, values in timed.items()})
        budgets.append(Budget("also cut and divided, 100 x 64 x 64", ratio(timed["ours"], timed["pickle"]), CUT))
    print("\n".join(budget.line() for budget in budgets))
    if given.tree:
        if not Path(given.tree, "data").exists():
            write_tree(given.tree, ids=given.files // 200)
        root = str(Path(given.tree, "data"))
        found = {}
        runs = {
            "check data": lambda _: found.update(ours=check_data(root, workers=given.workers)),
            "one process": lambda _: found.update(plain=naive(root)),
        }
        timed = interleaved(runs, 1, 1, CPU)
        samples.update(timed)
        ours, plain = (timed[name][0] for name in runs)
        files = sum(len(sequence.files) for sequence in found["ours"][0])
        print(f"{files} files: {ours:.1f} s with {given.workers} processes; a loop in one process that loads them and looks at")
        print(f"type, size and values reads {found['plain']} of them in {plain:.1f} s; ratio {ours / plain:.2f}")
    if given.json:
        write_result(given.json, "reading", CPU, vars(given), samples, budgets)
    return 0


def _cut(frames: np.ndarray) -> np.ndarray:
    return frames[..., 10:-10] / 255.0


def _repeated(read, file: Path, times: int = 20):
    """Open and read one file ``times`` times."""

    def run(_: int) -> None:
        for _ in range(times):
            with open(file, "rb") as stream:
                read(stream)

    return run


def naive(root: str) -> int:
    """What one would write first: every file, one after the other; how many are arrays of numbers that hold something."""
    count = 0
    for folder, _, names in os.walk(root):
        for name in names:
            try:
                with open(os.path.join(folder, name), "rb") as stream:
                    clip = pickle.load(stream)
                count += bool(clip.dtype != object and clip.shape and clip.min() <= clip.max())
            except Exception:  # a planted fault
                continue
    return count


if __name__ == "__main__":
    sys.exit(main())

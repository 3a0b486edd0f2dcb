"""What does the unpickler that runs nothing cost, against ``pickle.load``?

    python benchmarks/reading.py --json reading.json                         # files of 10, 100 and 400 frames
    OMP_NUM_THREADS=1 python benchmarks/reading.py --cpu-time --rounds 400   # on a CPU that others use at the same time

Files are read from the system's cache, 20 times a round.
"""

from __future__ import annotations

import argparse
import pickle
import sys
import tempfile
from pathlib import Path

import numpy as np
from common import CPU, Budget, add_rounds, clock_of, interleaved, ratio, write_result

from opengait_mimic.data.safe_pickle import load_frames

BUDGETS = {"10": 5.0, "100": 3.5, "400": 2.0, "100 cut": 1.5}
"""Frames of 64 x 64 -> the ratio that the unpickler may cost; ``cut``: also cut to 64 x 44 and divided by 255, as a training does."""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_rounds(parser, 200, 5)
    given = parser.parse_args(argv)
    samples, budgets, clock = {}, [], clock_of(given, CPU)
    with tempfile.TemporaryDirectory() as folder:
        for name, limit in BUDGETS.items():
            frames, *cut = name.split()
            file = Path(folder) / f"{frames}.pkl"
            file.write_bytes(pickle.dumps(np.random.default_rng(0).integers(0, 256, (int(frames), 64, 64), dtype=np.uint8), protocol=4))
            both = {
                f"ours {name}": repeat_reading(load_frames, file, bool(cut)),
                f"pickle {name}": repeat_reading(pickle.load, file, bool(cut)),
            }
            timed = interleaved(both, given.rounds, given.warmup, CPU, clock=clock)
            samples.update(timed)
            budgets.append(Budget(f"load / pickle.load, {name}", ratio(*timed.values()), limit))
    print("\n".join(budget.line() for budget in budgets))
    if given.json:
        write_result(given.json, "reading", CPU, vars(given), samples, budgets)
    return 0


def repeat_reading(read, file: Path, cut: bool, times: int = 20):
    """A variant that opens and reads one file ``times`` times."""

    def run(_: int) -> None:
        for _ in range(times):
            with open(file, "rb") as stream:
                frames = read(stream)
            if cut:
                _ = frames[..., 10:-10] / 255.0

    return run


if __name__ == "__main__":
    sys.exit(main())

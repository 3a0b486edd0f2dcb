"""What does the unpickler that runs nothing cost, against ``pickle.load``; and `check data`, against a loop in one process?"""

from __future__ import annotations

import argparse
import os
import pickle
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.measure import Budget, interleaved, ratio, write  # noqa: E402
from benchmarks.trees import write_tree  # noqa: E402
from opengait_mimic.doctor.pickles import load  # noqa: E402
from opengait_mimic.doctor.walk import walk  # noqa: E402

FRAMES = (10, 100, 400)  # a short sequence, one of Gait3D's middle length, a long one


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks/reading.py", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="of reading one file 20 times")
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument(
        "--cpu-time", action="store_true", help="time reading by this process's processor seconds: other work hardly moves it"
    )
    parser.add_argument("--tree", default=None, metavar="DIR", help="also check a tree of --files pickles, written there if it is not")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", default=None, metavar="F")
    given = parser.parse_args(argv)
    samples, budgets, clock = {}, [], time.process_time if given.cpu_time else time.perf_counter
    with tempfile.TemporaryDirectory() as folder:
        for frames in FRAMES:
            file = Path(folder) / f"{frames}.pkl"
            file.write_bytes(pickle.dumps(np.random.default_rng(0).integers(0, 256, (frames, 64, 64), dtype=np.uint8), protocol=4))
            both = {"ours": _repeated(load, file), "pickle": _repeated(pickle.load, file)}
            timed = interleaved(both, given.rounds, given.warmup, CPU, clock=clock)
            samples.update({f"{name} {frames}": values for name, values in timed.items()})
            budgets.append(Budget(f"load / pickle.load, {frames} x 64 x 64", ratio(timed["ours"], timed["pickle"]), 1.05))
    print("\n".join(budget.line() for budget in budgets))
    if given.tree:
        if not Path(given.tree, "data").exists():
            write_tree(given.tree, ids=given.files // 200)
        root = str(Path(given.tree, "data"))
        runs = {"check data": lambda _: walk(root, given.workers) and None, "one process": lambda _: naive(root)}
        timed = interleaved(runs, 1, 1, CPU, clock=time.perf_counter)
        samples.update(timed)
        found = ratio(timed["check data"], timed["one process"]).median
        print(
            f"{len(list(os.scandir(root)))} identities: walk of `check data` {timed['check data'][0]:.1f} s with {given.workers} processes,"
        )
        print(f"a loop in one process that loads, and looks at type, size and values: {timed['one process'][0]:.1f} s; ratio {found:.2f}")
    if given.json:
        write(
            given.json, "reading", CPU, "none", vars(given), samples, budgets, summary={k: spread(v)._asdict() for k, v in samples.items()}
        )
    return 0


CPU = torch.device("cpu")


def _repeated(read, file: Path, times: int = 20):
    """Open and read one file ``times`` times."""

    def run(_: int) -> None:
        for _ in range(times):
            with open(file, "rb") as stream:
                read(stream)

    return run


def naive(root: str) -> None:
    """What one would write first: every file, one after the other."""
    for folder, _, names in os.walk(root):
        for name in names:
            try:
                with open(os.path.join(folder, name), "rb") as stream:
                    clip = pickle.load(stream)
                _ = clip.dtype, clip.shape, clip.min(), clip.max()
            except Exception:  # a planted fault
                continue


if __name__ == "__main__":
    sys.exit(main())

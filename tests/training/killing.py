"""A training as a process of its own, killed from outside, or (this file as a script) by itself while it writes its N-th checkpoint.

Script: MOMENT N WORDS..., the words of ``python -m opengait_mimic``.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.host_runs import environment, two_processes

PATIENCE = 120  # seconds until something must have happened
WRITING = ("half written", "written, without its name", "saved, not entered")
"""The moments at which a training kills itself."""


class Training:
    """``python -m opengait_mimic ... --resume auto``, alone or twice under torchrun.

    Args:
        file: the configuration.
        host: for ``--host``.
        output: for ``--output``.
        processes: 1 or 2.
        moment: one of `WRITING`, to kill itself then; None: it does not.
        number: at which of its checkpoints.
    """

    def __init__(self, file: Path, host: str, output: Path, processes: int, moment: str | None = None, number: int = 1):
        words = [*(two_processes() if processes == 2 else []), *([__file__, moment, number] if moment else ["-m", "opengait_mimic"])]
        words += ["--cfgs", file, "--resume", "auto", "--device", "cpu", "--host", host, "--output", output]
        self.log = open(output.parent / f"log-{len(list(output.parent.glob('log-*')))}", "w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, *map(str, words)], cwd=output.parent, env=environment(), stdout=self.log, stderr=subprocess.STDOUT
        )

    def printed(self) -> str:
        """Both streams so far."""
        self.log.seek(0)
        return self.log.read()

    def until(self, seen) -> bool:
        """Wait until something is seen; False where the training ended before."""
        end = time.monotonic() + PATIENCE
        while not seen():
            if self.process.poll() is not None or time.monotonic() > end:
                return False
            time.sleep(0.002)
        return True

    def kill(self) -> None:
        """SIGKILL, to whatever it started as well."""
        for pid in [self.process.pid, *_below(self.process.pid)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.log.close()


def _below(parent: int) -> list[int]:
    """Every process that descends from one."""
    children: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            children.setdefault(int((place / "stat").read_text().rpartition(")")[2].split()[1]), []).append(int(place.name))
        except (OSError, IndexError):
            continue
    found = [parent]
    for pid in found:
        found += children.get(pid, [])
    return found[1:]


def _die_at(moment: str, number: int) -> None:
    """Have this process kill itself while it writes its checkpoint of that number."""
    import torch

    save, replace, left = torch.save, os.replace, [number]

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    def half(content, stream, *words, **named):
        ours = str(getattr(stream, "name", "")).endswith(".pt.part")  # not the one that preflight tries
        left[0] -= ours
        if ours and left[0] == 0 and moment == WRITING[0]:
            whole = io.BytesIO()
            save(content, whole)
            stream.write(whole.getvalue()[: whole.tell() // 2])
            stream.flush()
            die()
        save(content, stream, *words, **named)

    def named(part, file):
        last = left[0] == 0 and str(file).endswith(".pt")
        if last and moment == WRITING[1]:
            die()
        replace(part, file)
        if last:
            die()

    torch.save, os.replace = half, named


if __name__ == "__main__":
    from opengait_mimic.cli.launcher import main

    _die_at(sys.argv[1], int(sys.argv[2]))
    sys.exit(main(sys.argv[3:]))

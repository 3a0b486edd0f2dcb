"""One training at a time in a folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from opengait_mimic.base.errors import HostError
from opengait_mimic.base.locks import locked, refuse_locked

HOLD = """
import sys, time
from pathlib import Path
from opengait_mimic.base.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_another_process_is_refused_until_the_holder_is_killed(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    for ask in (lambda: refuse_locked(tmp_path / "run"), lambda: locked(tmp_path / "run").__enter__()):
        with pytest.raises(
            HostError, match="run is being trained by another process .* run the same command again, or choose another save_name"
        ):
            ask()
    holder.send_signal(signal.SIGKILL)
    holder.wait(20)
    holder.stdout.close()
    with locked(tmp_path / "run"):
        refuse_locked(tmp_path / "run")  # the process that holds it may ask


def test_an_error_in_the_block_releases_it(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path):
        raise ZeroDivisionError
    script = "import sys; from pathlib import Path; from opengait_mimic.base.locks import refuse_locked; refuse_locked(Path(sys.argv[1]))"
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)]).returncode == 0


def test_a_folder_without_a_lock_stays_as_it_is(tmp_path):
    refuse_locked(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(HostError, match="cannot write .*training.lock"), locked(tmp_path / "run"):
        pass

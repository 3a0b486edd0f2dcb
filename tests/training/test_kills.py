"""``kill -9`` at random moments: nothing that was saved is lost, and the end is that of an uninterrupted run, bit for bit.

Ten kills, for a mimic and in two processes too: ``pytest -s tests/training/test_kills.py --kills 10``.
"""

from __future__ import annotations

import random
import re
import sys
import time
from itertools import cycle

import pytest

from opengait_mimic import host as hosts
from tests.host_runs import digests
from tests.training.killing import WRITING, Training
from tests.training.runs import at, content, differing, shared_networks, train
from tests.variants import variant

TEACHER = "GaitBase (teacher)"
MOMENTS = ("in a step", "half written", "saved, not entered", "at the start", "written, without its name")
ALWAYS = 3
"""Kills without ``--kills``."""
STEPS = 6
"""Steps for each kill: more than pass until one comes."""

pytestmark = [pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"), pytest.mark.slow]


@pytest.mark.parametrize(("stage", "processes"), [(TEACHER, 1), ("MimicGait", 1), (TEACHER, 2), ("MimicGait", 2)])
def test_a_training_killed_again_and_again_ends_as_if_it_had_not_been(trained, host_spec, output, tmp_path, pytestconfig, stage, processes):
    kills = pytestconfig.getoption("--kills")
    if kills is None and (stage, processes) != (TEACHER, 1):
        pytest.skip("with --kills N")
    total = STEPS * ((kills or ALWAYS) + 1)
    file = _saving_each_step(trained.files[stage], tmp_path, output, total)
    whole, killed = tmp_path / "whole" / "out", tmp_path / "killed" / "out"
    for place in (whole, killed):
        place.mkdir(parents=True)
    if processes == 1:
        train(file, whole)
    else:
        _finish(Training(file, host_spec, whole, processes))
    folder = at(file, killed, 1).parent
    hosts.bind(host_spec, "cpu", output)

    draws, saved, moments = random.Random(f"{stage} {processes}"), {}, cycle(MOMENTS)
    for number in range(kills or ALWAYS):
        moment, begin = next(moments), time.monotonic()
        itself = moment in WRITING
        training = Training(file, host_spec, killed, processes, moment if itself else None, draws.randint(1, 3))
        if itself:
            training.until(lambda: False)
        elif moment == "at the start":
            time.sleep(draws.uniform(0, 5))
        else:
            before = len(list(folder.glob("*.pt")))
            training.until(lambda before=before: len(list(folder.glob("*.pt"))) > before)
            time.sleep(draws.uniform(0, 0.1))
        assert training.process.poll() == (None if not itself else -9 if processes == 1 else 1), training.printed()
        training.kill()
        print(f"\nkill {number + 1}: {moment}, {time.monotonic() - begin:.2f} s after the start", end="")
        saved = _still(saved, killed)
        print(f", {len(saved)} checkpoints saved", end="", flush=True)
    newest = max(int(name[-8:-3]) for name in saved)
    printed = _finish(Training(file, host_spec, killed, processes))
    assert re.search(rf"--resume auto: goes on from iteration {newest} of {total}$", printed, re.M), printed
    assert len(_still(saved, killed)) == total and not list(folder.glob("*.part"))
    pairs = [[content(at(file, place, iteration)) for place in (whole, killed)] for iteration in range(1, total + 1)]
    hosts.bind(host_spec, "cpu", output)
    assert [differing(*pair) for pair in pairs] == [[]] * total
    print(f"\n{stage}, {processes} process(es): all {total} checkpoints as of the uninterrupted run, bit for bit")


def _saving_each_step(file, folder, output, total):
    """A configuration of tiny steps."""
    changes = {"trainer_cfg__total_iter": total, "trainer_cfg__save_iter": 1, "trainer_cfg__log_iter": 1}
    changes.update(trainer_cfg__sampler__batch_size=[4, 2], trainer_cfg__sampler__frames_num_fixed=2)
    if file.stem.startswith("mimicgait"):
        changes.update(shared_networks(output))
    return variant(file, folder, **changes)


def _finish(training):
    assert training.process.wait(240) == 0, training.printed()
    return training.printed()


def _still(saved, out):
    """What is saved now: all that was, as it was."""
    now = {name: digest for name, digest in digests(out).items() if name.endswith(".pt")}
    assert {name: now.get(name) for name in saved} == saved
    return now

"""Bad pickles: what a training says of a sequence that cannot be read, and that none is run."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest

from tests.faults.conftest import TEACHER


class Malicious:
    """Runs a command when `pickle.load` reads it."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def frames(kind="uint8", shape=(12, 64, 44)):
    return np.zeros(shape, kind)


BAD = {
    "truncated": lambda good, marker: good[: len(good) // 2],
    "empty": lambda good, marker: b"",
    "wrong dtype": lambda good, marker: pickle.dumps(frames("U3")),
    "a dictionary": lambda good, marker: pickle.dumps({"silhouettes": frames()}),
    "malicious": lambda good, marker: pickle.dumps(Malicious(marker)),
    "malicious inside": lambda good, marker: pickle.dumps(np.array([frames(), Malicious(marker)], object)),
    "no frame": lambda good, marker: pickle.dumps(frames(shape=(0, 64, 44))),
    "a list of several sizes": lambda good, marker: pickle.dumps([*frames(), frames(shape=(40, 30))]),
    "another size": lambda good, marker: pickle.dumps(frames(shape=(12, 40, 30))),
}


@pytest.mark.parametrize("case", BAD)
def test_a_training_names_the_file_that_it_cannot_read(user, case):
    user.has("VEN")
    user.data()
    clip, marker = user.clip(), user.folder / "was run"
    clip.write_bytes(BAD[case](clip.read_bytes(), marker))
    outcome = user.train(user.yaml())
    outcome.refused("/".join(clip.parts[-4:]))
    assert not marker.exists(), "the pickle was run"


@pytest.mark.parametrize("case", ["truncated", "malicious"])
def test_an_evaluation_names_it_too(user, case):
    user.has(TEACHER)
    user.data()
    clip = sorted(user.root.glob(f"{user.tree.test[0]}/*/*/*.pkl"))[0]
    content, marker = clip.read_bytes(), user.folder / "was run"
    clip.unlink()
    clip.write_bytes(BAD[case](content, marker))
    outcome = user.command("evaluate", user.yaml(), "--no-cache")
    outcome.refused("/".join(clip.parts[-4:]))
    assert not marker.exists(), "the pickle was run"

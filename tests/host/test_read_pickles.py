"""Training and test read pickles on the bound host bit for bit as `pickle.load`; errors name the file, also from workers."""

from __future__ import annotations

import contextlib
import pickle
import shutil
import sys

import numpy as np
import pytest
import torch.utils.data as tordata
import yaml

from opengait_mimic.base.errors import DataError
from opengait_mimic.host import read_pickles
from opengait_mimic.host.read_pickles import trust_pickles
from opengait_mimic.training.launch import launch


@pytest.fixture
def data(host, tree, tmp_path):
    """A copy of the walkers that a test may damage: ``(root, data_cfg)``."""
    from utils import get_msg_mgr

    if not hasattr(get_msg_mgr(), "logger"):
        get_msg_mgr().init_logger(str(tmp_path / "log"), False)
    root = tmp_path / "walkers"
    shutil.copytree(tree.root, root)
    trust_pickles(False)
    yield root, {"dataset_name": "walkers", "dataset_root": str(root), "dataset_partition": str(tree.partition), "num_workers": 0}
    trust_pickles(False)


def sequences(cfg, training=True):
    return sys.modules["data.dataset"].DataSet(cfg, training)


def loader(cfg, **more):
    """The host's own data set, in order, a sequence at a time."""
    return tordata.DataLoader(sequences(cfg), batch_size=1, collate_fn=list, **more)


def first_file(root):
    return min(root.glob("*/*/*/*.pkl"))


def test_arrays_are_those_of_pickle_and_writable(data):
    root, cfg = data
    here, workers = list(loader(cfg)), list(loader(cfg, num_workers=2))
    trust_pickles(True)
    plain = list(loader(cfg))
    assert len(plain) == 8 * len(list((root / "0001").glob("*/*")))
    for one, two, three in zip(here, workers, plain):
        assert one[0][1] == two[0][1] == three[0][1]
        arrays = [each[0][0][0] for each in (one, two, three)]
        assert all(array.tobytes() == arrays[2].tobytes() and array.dtype == arrays[2].dtype for array in arrays)
        assert arrays[0].flags.writeable


class Touches:
    """A pickle that makes a file when it is read."""

    def __init__(self, file):
        self.file = str(file)

    def __reduce__(self):
        return open, (self.file, "w")


def damage(kind, file, tmp_path):
    """Spoil one file; what the message must say."""
    sils = pickle.loads(file.read_bytes())
    if kind == "gone":
        file.unlink()
        return "is gone; it was there when this run began"
    content, said = {
        "truncated": (file.read_bytes()[:-100], "file ends after"),
        "empty": (b"", "is empty"),
        "no frames": (pickle.dumps(sils[:0]), "holds no frames"),
        "objects": (pickle.dumps(np.array([sils, None], dtype=object)), "Python objects"),
        "malicious": (pickle.dumps(Touches(tmp_path / "ran")), r"open, which no array needs; it was not run.*--trust-pickles"),
        "sizes in a list": (
            pickle.dumps([sils[0], sils[1, 1:], 3]),
            "a list of frames that differ in size: 64x(64|44), 63x(64|44), a number",
        ),
        "complex": (pickle.dumps(sils.astype(complex)), "not of real numbers"),
        "a list of another size": (
            pickle.dumps(list(np.zeros((9, 128, 88), "uint8"))),
            "frames are 128x88, those of .*pkl are 64x(64|44)",
        ),
        "another size": (pickle.dumps(np.zeros((9, 128, 88), "uint8")), "its frames are 128x88, those of .*pkl are 64x(64|44)"),
    }[kind]
    file.write_bytes(content)
    return said


FAULTS = (
    "gone",
    "truncated",
    "empty",
    "no frames",
    "objects",
    "malicious",
    "another size",
    "sizes in a list",
    "complex",
    "a list of another size",
)


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_bad_file_is_named_with_the_cure(data, workers, tmp_path):
    root, cfg = data
    last = max(root.glob("0001/*/*/*.pkl"))
    good, two = last.read_bytes(), [0, len(list((root / "0001").glob("*/*"))) - 1]
    for kind in FAULTS:
        last.write_bytes(good)
        every = tordata.DataLoader(tordata.Subset(sequences(cfg), two), batch_size=1, collate_fn=list, num_workers=workers)
        said = damage(kind, last, tmp_path)
        with pytest.raises(DataError, match=f"(?s){said}") as caught:
            list(every)
        assert str(last) in str(caught.value) and "Traceback" not in str(caught.value), kind
        assert type(caught.value).__module__.startswith("opengait_mimic.")  # what console.friendly_errors prints without a traceback
    assert not (tmp_path / "ran").exists()


def test_unequal_inputs_of_a_sequence_are_named(data):
    root, cfg = data
    file = first_file(root)
    file.with_name("more.pkl").write_bytes(pickle.dumps(np.zeros((1, 64, 64), "uint8")))
    with pytest.raises(DataError, match="0001/.*frames: .*, more.pkl 1") as caught:
        sequences(cfg)[0]
    assert f"{root}: {file.parent.relative_to(root)}" in str(caught.value)


def test_point_clouds_have_any_number_of_points(data):
    root, cfg = data
    files = sorted(root.glob("0001/*/*/*.pkl"))
    for count, file in enumerate(files, 5):
        file.write_bytes(pickle.dumps(np.zeros((2, count, 3), "float32")))
    found = [sequences(cfg)[i][0][0].shape for i in range(len(files))]
    assert sorted(found) == [(2, count, 3) for count in range(5, 5 + len(files))]
    for count, file in enumerate(files, 5):
        file.write_bytes(pickle.dumps([np.zeros((count, 3), "float32"), np.zeros((count + 1, 3), "float32")]))
    assert all(len(sequences(cfg)[i][0][0]) == 2 for i in range(len(files)))


def test_all_in_memory_reads_the_same_way(data):
    root, cfg = data
    first_file(root).write_bytes(b"")
    with pytest.raises(DataError, match="is empty"):
        sequences({**cfg, "cache": True})


def test_trusted_files_are_read_by_python(data, tmp_path):
    root, cfg = data
    first_file(root).write_bytes(pickle.dumps(Touches(tmp_path / "ran")))
    trust_pickles(True)
    with contextlib.suppress(DataError):  # an open file is no array, which OpenGait refuses; but it was run
        sequences(cfg)[0]
    assert (tmp_path / "ran").exists()


def test_a_spawned_worker_reads_the_same_way(data):
    """As on macOS, on Windows, and from Python 3.14 on: the worker imports the host again, without what this process rebound."""
    root, cfg = data
    file = max(root.glob("0001/*/*/*.pkl"))
    file.write_bytes(file.read_bytes()[:-7])
    only = tordata.Subset(sequences(cfg), [len(list((root / "0001").glob("*/*"))) - 1])
    with pytest.raises(DataError, match="file ends after"):
        list(tordata.DataLoader(only, batch_size=1, collate_fn=list, num_workers=1, multiprocessing_context="spawn"))


@pytest.mark.slow
def test_a_training_ends_with_the_file(data, files, tmp_path, monkeypatch):
    root, cfg = data
    for file in root.glob("*/*/*/*.pkl"):
        file.write_bytes(file.read_bytes()[:-3])
    given = yaml.safe_load(files["GaitBase (teacher)"].read_text())
    given["data_cfg"].update(dataset_root=str(root), num_workers=1, cache=False)
    given["trainer_cfg"]["save_name"] = "reading"
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(given))
    with pytest.raises(DataError, match="file ends after") as caught:
        launch(tmp_path / "x.yaml", "train", quiet=True)
    assert str(root) in str(caught.value) and "Traceback" not in str(caught.value)

    def stop(*_, **__):
        raise InterruptedError

    monkeypatch.setattr("opengait_mimic.training.launch.build", stop)
    for trust in (True, False):
        with pytest.raises(InterruptedError):
            launch(tmp_path / "x.yaml", "train", quiet=True, trust_pickles=trust)
        assert read_pickles._trust is trust

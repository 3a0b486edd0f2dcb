"""Few walkers and a VEN of their own, for the tests that train many backbones."""

from __future__ import annotations

import pytest

from tests.variants import variant


@pytest.fixture(scope="session")
def few(tmp_path_factory):
    """Fewer and shorter walkers than the other tests': 4 subjects to train on, 2 to test, two types, one view."""
    from opengait_mimic.data.walkers import write_walkers

    tree = write_walkers(tmp_path_factory.mktemp("few"), subjects=6, seed=2, train=4, sessions=("nm-01", "cl-01"), views=(90,), frames=7)
    return {"data_cfg__dataset_root": str(tree.root), "data_cfg__dataset_partition": str(tree.partition)}


@pytest.fixture(scope="session")
def ven(files, few, tmp_path_factory):
    """A VEN of its own, three steps."""
    from opengait_mimic.training.launch import launch

    names = {f"{engine}_cfg__save_name": "VEN-backbones" for engine in ("trainer", "evaluator")}
    file = variant(files["VEN"], tmp_path_factory.mktemp("ven"), **few, **names, trainer_cfg__sampler__batch_size=[4, 1])
    launch(file, "train", quiet=True)
    return file

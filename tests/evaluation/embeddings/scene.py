"""What the tests of passes share."""

from __future__ import annotations

import numpy as np

TEACHER, MIMIC = "GaitBase (teacher)", "MimicGait"
BLOCK = {"kinds": {"top": 0.3, "bottom": 0.2, "middle": 0.1, "patch": 0.2, "pole": 0.2}, "hidden": [0.3, 0.6], "seed": 3}


def folder(cfgs):
    from opengait_mimic.host.run_paths import save_folder

    return save_folder(cfgs, "evaluator_cfg") / "embeddings"


def same(one, two):
    """Everything but meta, bit for bit."""
    for name, a, b in zip(one._fields, one, two):
        if name != "meta":
            assert np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b, name

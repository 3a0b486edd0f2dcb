"""A whole ``training.json``, and what a hand may make of one."""

from __future__ import annotations

BLOCKS = ("optimizer_cfg", "scheduler_cfg")
RECORD = {
    "inputs": {
        "data_cfg": {"dataset_name": "walkers"}, "model_cfg": {"model": "Baseline"}, "loss_cfg": [], **{key: {} for key in BLOCKS},
        "trainer_cfg": {"seed": 0, "restore_hint": 0, "sampler": {"batch_size": [4, 2]}},
    },
    "checkpoints": {}, "losses": None, "seconds": 0.0, "version": "1", "host": "embedded", "commit": "unknown", "world": 1,
}  # fmt: skip
"""Of a training that has saved nothing."""
EDITED = [  # key, what stands there, what is said of it
    ("checkpoints", [], "checkpoints = []; expected a mapping"),
    ("checkpoints", {"x": "y"}, "checkpoints: the key 'x'; expected an iteration, a whole number"),
    ("checkpoints", {"500": 5}, "checkpoints.500 = 5; expected the file's hash, sha256:..."),
    ("inputs", 3, "inputs = 3; expected a mapping"),
    ("inputs", {}, "inputs.data_cfg: missing; inputs.model_cfg: missing; inputs.trainer_cfg: missing; "),
    ("world", "two", "world = 'two'; expected a whole number of at least 1"),
    ("curves", 3, "curves = 3; expected a list"),
    ("curves", [[1]], "curves[0] = [1]; expected a list of two values"),
]

"""What a configuration asks of the data; the one part of the doctor that needs a host."""

from __future__ import annotations

import random
from typing import Any, Callable, NamedTuple

import numpy as np

from ..host.transform_inputs import SILHOUETTES


class Input(NamedTuple):
    """One input: its transforms in the test and in training, ``[s, h, w]`` to the same with other h, w; None for one that takes other
    things than silhouettes, such as poses, or makes two views of them.
    """

    test: Callable[[np.ndarray], np.ndarray] | None
    train: Callable[[np.ndarray], np.ndarray] | None


class Wanted(NamedTuple):
    """What a configuration asks for.

    ``use``: ``data_cfg.data_in_use``. ``geometry``: ``model_cfg.geometry``, of our models. ``clip``: frames of the shortest training clip.
    ``batch``: [P, K] of a `TripletSampler`. ``scorer``: ``evaluator_cfg.eval_func``. ``cross_view_gallery``: of ``evaluator_cfg``.
    ``channels``: those of a frame that the backbone takes; above 1 frames may be ``[channels, h, w]``.
    """

    dataset: str
    use: list | None
    inputs: list[Input]
    geometry: tuple | None
    clip: int
    batch: tuple | None
    scorer: str
    cross_view_gallery: bool = False
    channels: int = 1


def read_wanted(cfgs: dict) -> Wanted:
    """What a complete configuration asks for; a host is bound.

    Raises:
        HostError, ConfigError: it names a transform that the host does not have, or unlike numbers of them.
    """
    from data.transform import get_transform

    from ..base.errors import ConfigError
    from ..host.config_checks import check_names

    check_names(cfgs, True)
    blocks = [_blocks(cfgs[engine].get("transform")) for engine in ("evaluator_cfg", "trainer_cfg")]
    if len(blocks[0]) != len(blocks[1]):
        raise ConfigError(f"evaluator_cfg.transform has {len(blocks[0])} inputs, trainer_cfg.transform {len(blocks[1])}")
    inputs = [Input(*(get_transform(each) if _silhouettes(each) else None for each in pair)) for pair in zip(*blocks)]
    sampler, data, model = cfgs["trainer_cfg"]["sampler"], cfgs["data_cfg"], cfgs["model_cfg"]
    count = sampler.get("frames_num_fixed" if sampler.get("sample_type", "").startswith("fixed") else "frames_num_min", 1)
    ordered = sampler.get("sample_type", "").endswith("_ordered")
    batch = sampler.get("batch_size") if sampler["type"] == "TripletSampler" else None
    return Wanted(
        data.get("test_dataset_name") or data["dataset_name"],
        data.get("data_in_use"),
        inputs,
        tuple(model["geometry"]) if model.get("geometry") else None,
        int(count) + (int(sampler.get("frames_skip_num", 0)) if ordered else 0),
        tuple(batch) if isinstance(batch, (list, tuple)) and len(batch) == 2 else None,
        cfgs["evaluator_cfg"].get("eval_func", "evaluate_indoor_dataset"),
        bool(cfgs["evaluator_cfg"].get("cross_view_gallery", False)),
        _channels(model),
    )


CHANNELS = ("in_channel", "in_channels", "part1_channel", "part2_channel")
"""Keys of OpenGait's backbones for the channels of a frame (heat maps, depth); MultiGait++ has two parts of them."""


def _channels(model: dict) -> int:
    """What the backbone's block says of the channels of a frame; 1 where it says nothing."""
    blocks = [block for name, block in model.items() if "backbone" in name.lower() and isinstance(block, dict)]
    return max([1, *(sum(block[key] for key in CHANNELS if isinstance(block.get(key), int)) for block in blocks)])


def _blocks(transform: Any) -> list:
    """The block of every input."""
    return transform if isinstance(transform, list) else [transform]


def _silhouettes(block: Any) -> bool:
    """Does a block divide silhouettes?"""
    if not isinstance(block, dict):
        return False
    return block.get("type") in SILHOUETTES or any(map(_silhouettes, block.get("trf_cfg") or []))


def after(transform: Callable, size: tuple, kind: str, value: float = 255.0) -> np.ndarray:
    """What a transform makes of two frames of one value; random states are as before.

    Raises:
        Exception: whatever the transform raises.
    """
    states = random.getstate(), np.random.get_state()
    try:
        return np.asarray(transform(np.full((2, *size), value, np.dtype(kind))))
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])

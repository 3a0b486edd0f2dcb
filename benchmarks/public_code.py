"""The public MimicGait code (github.com/Ayush-00/mimicgait) in this process.

It is a fork of OpenGait with OpenGait's top-level names, so it needs a process of its own, and our host layer can start it: it
is bound like an OpenGait checkout and adapted by rebinding names inside its modules. Nothing of it is copied or changed on disk.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path

import torch

from opengait_mimic import host as hosts
from opengait_mimic.host.adapt import torch_on_device

PUBLIC = {  # backbone -> the public training configuration of its guided mimic
    "gaitbase": "configs/gaitbase/gaitbase_da_gait3d_occ_2types_mimic_full_guided.yaml",
    "gaitgl": "configs/gaitgl/gaitgl_gait3d_mimic_guided.yaml",
}


def bind_public(root: str | Path, device: str, output: Path) -> None:
    """Make the public code this process's host; what it writes to ``output/`` goes to ``output``.

    Raises:
        HostError: it is not there, or cannot be imported.
    """
    if importlib.util.find_spec("wandb") is None:  # imported at the top, used only when logging there is switched on
        sys.modules["wandb"] = types.ModuleType("wandb")
    hosts.bind(root, device, output)


def public_model(name: str) -> type:
    """A model class of the bound public code, its CUDA devices (which it names by rank) replaced by the bound one.

    Raises:
        HostError: there is no such model.
    """
    kind = hosts.lookup("modeling.models", name, "model_cfg.model")
    sys.modules[kind.__module__].torch = torch_on_device(torch)
    return kind

"""The one place that knows the device, the output folder and the file of defaults.

Read the module attributes (``runtime.device``, ``runtime.output``, ``runtime.defaults``); change them with
`configure` before a model is built. ``runtime.device`` is decided when it is first read.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch

output = "output"
defaults = Path(__file__).resolve().parent.parent / "configs" / "default.yaml"


def _resolve(name: str | torch.device) -> torch.device:
    """Turn ``auto``, ``cpu``, ``cuda`` or ``cuda:K`` into a device that exists."""
    if str(name) == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    chosen = torch.device(name)
    if chosen.type == "cpu":
        return chosen
    if chosen.type != "cuda":
        raise ValueError(f"device = {name}; allowed: auto, cpu, cuda, cuda:K")
    index = chosen.index if chosen.index is not None else int(os.environ.get("LOCAL_RANK", 0))
    if not torch.cuda.is_available() or index >= torch.cuda.device_count():
        raise RuntimeError(
            f"device = cuda:{index}, but {torch.cuda.device_count()} CUDA devices are visible; start fewer processes, or choose device cpu"
        )
    return torch.device("cuda", index)


def configure(device=None, output=None, defaults=None) -> None:
    """Set what is given and leave the rest.

    Args:
        device: ``auto``, ``cpu``, ``cuda`` (index = ``LOCAL_RANK``), ``cuda:K`` or a ``torch.device``.
        output: folder of all results; checkpoints go to ``<output>/<dataset>/<model>/<save_name>/checkpoints``.
        defaults: YAML file that every config is merged over.

    Raises:
        ValueError: the device is of another kind.
        RuntimeError: the CUDA device does not exist.
    """
    here = globals()
    if device is not None:
        here["device"] = _resolve(device)
    if output is not None:
        here["output"] = os.fspath(output)
    if defaults is not None:
        here["defaults"] = Path(defaults)


def __getattr__(name: str):
    if name == "device":
        configure(device="auto")
        return globals()["device"]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

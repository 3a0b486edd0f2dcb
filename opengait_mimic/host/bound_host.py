"""The bound host of this process, its device and its output folder."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from ..base.errors import HostError
from .find import Host, checkout, embedded

state: dict = {}
"""``host``, ``device`` and ``output``, set by `bind`."""


def current() -> Host:
    """The bound host; under OpenGait's own patched main.py the host of that file.

    Raises:
        HostError: no host is bound or imported.
    """
    if "host" not in state:
        base = sys.modules.get("modeling.base_model")
        if base is None:
            raise HostError("no host is bound: call opengait_mimic.host.bind() first")
        source = Path(base.__file__).resolve().parents[1]
        state["host"] = embedded("imported") if source.name == "embedded" else checkout(source.parent, "imported")
    return state["host"]


def device() -> torch.device:
    """The device chosen by `bind`."""
    return state["device"]


def output() -> Path:
    """Folder of the results: that of `bind`, else ``output`` in the working folder as in OpenGait."""
    return state.get("output", Path("output"))

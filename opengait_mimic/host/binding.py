"""The one host of this process."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from ..base.errors import HostError
from .find import Host, checkout, embedded

state: dict = {}  # host, device, output, once `bind` has chosen them


def current() -> Host:
    """The bound host; under OpenGait's own main.py (the patch) the one that main.py belongs to.

    Raises:
        HostError: no host is imported.
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
    """The folder that results go to: `bind`'s, else ``output`` of the working folder as in OpenGait."""
    return state.get("output", Path("output"))

"""The host: find it, import it, adapt it, register with it. One host per process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..base.errors import HostError
from .adapt import adapt_host, rebinding_table
from .binding import current, device, output, state
from .find import Host, find
from .load import import_host
from .process_group import follow_world_size, leave, start
from .rebinding import Rebinding
from .register import REGISTERED, is_ours, lookup, register
from .yaml import CONFIGS, resolve, search
from .yaml_check import load_cfgs

__all__ = [
    "CONFIGS",
    "Host",
    "HostError",
    "REGISTERED",
    "Rebinding",
    "bind",
    "current",
    "device",
    "find",
    "follow_world_size",
    "import_host",
    "is_ours",
    "leave",
    "load_cfgs",
    "lookup",
    "output",
    "rebinding_table",
    "register",
    "resolve",
    "search",
]


def bind(
    spec: str | os.PathLike | None = None,
    device: str = "auto",
    output: str | os.PathLike | None = None,
    rebindings: tuple[Rebinding, ...] = (),
) -> Host:
    """Find, import, adapt and register; afterwards ``modeling``, ``data``, ``utils``, ``evaluation`` are the host's.

    Args:
        spec: a checkout's folder, ``embedded``, or None (see `find`).
        device: ``auto``, ``cpu`` or ``cuda``.
        output: the folder results go to; None keeps an earlier call's, at first ``output`` in the working folder.
        rebindings: what the caller rebinds in the host's modules, in addition to `opengait_mimic.host.adapt.REBINDINGS`.

    Returns:
        The host. A second call may change device and output, not the host.

    Raises:
        HostError: no such host, another host is bound already, a package is missing, or a module of the host's name comes
            from elsewhere, or the output folder cannot be one.
    """
    host = find(spec) if spec is not None or "host" not in state else state["host"]
    if "host" in state and state["host"].source != host.source:
        raise HostError(f"this process runs on {state['host'].root}; {host.root} needs a process of its own")
    chosen = start(device)
    import_host(host)
    folder = Path(output).resolve() if output is not None else state.get("output", Path("output").resolve())
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir():
        raise HostError(f"--output {output or folder}: {there} is a file, not a folder; choose another")
    state.update(host=host, device=chosen, output=folder)
    if host.name == "embedded":
        sys.modules["utils.runtime"].configure(device=chosen, output=str(folder))
    adapt_host(host.name, rebindings)
    register()
    return host

"""Bind this process to a host: find, import, adapt, register."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..base.errors import HostError
from .adapt import adapt_host
from .bound_host import state
from .find import Host, find
from .load import import_host
from .module_view import Rebinding
from .process_group import start
from .register import register


def bind(
    spec: str | os.PathLike | None = None,
    device: str = "auto",
    output: str | os.PathLike | None = None,
    rebindings: tuple[Rebinding, ...] = (),
) -> Host:
    """Bind a host; from then on ``modeling``, ``data``, ``utils`` and ``evaluation`` are its packages.

    A second call may change device and output, not the host.

    Args:
        spec: a checkout's folder, ``embedded``, or None (see `find`).
        device: ``auto``, ``cpu`` or ``cuda``.
        output: folder of the results. None keeps an earlier call's; the first default is ``output`` in the working folder.
        rebindings: what the caller rebinds in the host's modules, in addition to `opengait_mimic.host.adapt.REBINDINGS`.

    Raises:
        HostError: no such host, another host is bound, a package is missing, a module with a host's name comes from elsewhere, or
            the output is not a folder.
    """
    host = find(spec) if spec is not None or "host" not in state else state["host"]
    if "host" in state and state["host"].source != host.source:
        raise HostError(f"this process runs on {state['host'].root}; {host.root} needs a process of its own")
    chosen = start(device)
    import_host(host)
    folder = Path(output).resolve() if output is not None else state.get("output", Path("output").resolve())
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    if not existing.is_dir():
        raise HostError(f"--output {output or folder}: {existing} is a file, not a folder; choose another")
    state.update(host=host, device=chosen, output=folder)
    if host.name == "embedded":
        runtime = sys.modules["utils.runtime"]
        runtime.device, runtime.output = chosen, str(folder)
    adapt_host(host.name, rebindings)
    register()
    return host

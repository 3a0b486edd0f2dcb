"""``opengait-mimic check``: host, versions, devices, and whether a training could start."""

from __future__ import annotations

import importlib.util
import platform
from importlib.metadata import version

import torch

from .. import __version__
from .. import host as hosts
from ..base.errors import HostError
from ..host import REGISTERED
from ..host.register import left_out


def report(spec: str | None = None, device: str = "auto") -> tuple[list[str], bool]:
    """Describe the host and whether training could start.

    Args:
        spec: as ``--host``.
        device: as ``--device``.

    Returns:
        The lines to print, and whether training could start.
    """
    lines = [f"opengait_mimic {__version__}   python {platform.python_version()}   {platform.system()} {platform.machine()}"]
    lines.append("packages: " + ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "kornia", "PyYAML")))
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    lines.append(f"devices:  cpu ({torch.get_num_threads()} threads)" + "".join(f", cuda:{i} {name}" for i, name in enumerate(gpus)))
    try:
        host = hosts.bind(spec, device)
    except HostError as error:
        return [*lines, "host:     none", f"missing:  {error}", "result:   training cannot start"], False
    lines.append(f"host:     {host.name} at {host.root}")
    lines.append(f"          chosen by: {host.why}; commit: {host.commit}")
    lines.append(f"          runs on {hosts.device()}")
    for namespace, names in REGISTERED.items():
        lines.append(f"registered in {namespace}: {', '.join(names)}")
    for file, why in left_out.items():
        lines.append(f"left out: {file} {why}")
    if importlib.util.find_spec("tensorboard") is None:
        lines.append("optional: tensorboard is missing, so no curves are written: pip install tensorboard")
    if host.name == "embedded":
        lines.append("note:     this is the small stand-in host; for OpenGait itself: git clone https://github.com/ShiqiYu/OpenGait,")
        lines.append("          then give --host FOLDER or set OPENGAIT_ROOT")
    return [*lines, "result:   training can start"], True

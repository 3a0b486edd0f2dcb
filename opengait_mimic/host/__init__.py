"""The host: find it, import it, adapt it, register with it. One host per process."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import logging
import os
import sys
from pathlib import Path

import torch

from ..config import merge
from . import registry
from .find import Host, HostError, checkout, embedded, find
from .processes import pick_device, start
from .registry import REGISTERED, lookup, register

__all__ = ["Host", "HostError", "REGISTERED", "bind", "current", "find", "import_host", "load_cfgs", "lookup", "register", "resolve"]

GENERIC = ("utils", "data", "modeling", "evaluation")
CONFIGS = next(
    folder for folder in (Path(__file__).parents[1] / "configs", Path(__file__).parents[2] / "configs") if folder.is_dir()
)
"""Our configurations: inside an installed package, or at the top of a checkout of ours."""

_bound: dict = {}
search: list[Path] = []
"""Folders that relative paths in a configuration are looked up in as well (the launcher adds the configuration's own)."""


def bind(spec: str | os.PathLike | None = None, device: str = "auto", output: str | os.PathLike | None = None) -> Host:
    """Find, import, adapt and register; afterwards ``modeling``, ``data``, ``utils``, ``evaluation`` are the host's.

    Args:
        spec: a checkout's folder, ``embedded``, or None (see `find`).
        device: ``auto``, ``cpu`` or ``cuda``.
        output: the folder results go to; default ``output`` in the working folder.

    Returns:
        The host. A second call may change device and output, not the host.

    Raises:
        HostError: no such host, another host is bound already, a package is missing, or a module of the host's name comes
            from elsewhere.
    """
    host = find(spec) if spec is not None or "host" not in _bound else _bound["host"]
    if "host" in _bound and _bound["host"].source != host.source:
        raise HostError(f"this process runs on {_bound['host'].root}; {host.root} needs a process of its own")
    chosen = pick_device(device)
    start(chosen)
    import_host(host)
    folder = Path(output if output is not None else "output").resolve()
    if host.name == "embedded":
        sys.modules["utils.runtime"].configure(device=chosen, output=str(folder))
    else:
        from .adapt import adapt

        adapt(chosen, folder, host.root)
    register()
    _bound.update(host=host, device=chosen, output=folder)
    return host


def import_host(host: Host) -> None:
    """Put the host first on the import path, import it, and check that every generic name is its own.

    A model file of the host whose optional package is missing is left out with one warning line.

    Raises:
        HostError: a package the host cannot do without is missing, or a name comes from elsewhere.
    """
    if str(host.source) not in sys.path:
        sys.path.insert(0, str(host.source))
    tolerant = _Tolerant()
    sys.meta_path.insert(0, tolerant)
    try:
        for name in (*GENERIC, "utils.common", "evaluation.evaluator", "data.transform", "data.sampler", "modeling.models"):
            module = importlib.import_module(name)
            places = [module.__file__] if getattr(module, "__file__", None) else list(module.__path__)
            for place in places:
                if host.source.resolve() not in Path(place).resolve().parents:
                    raise HostError(f"`{name}` was imported from {place}, not from {host.source}: rename or remove that package")
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] in GENERIC:
            raise HostError(f"{host.source} has no {error.name}: is the checkout complete?") from error
        raise HostError(f"OpenGait needs the package {error.name!r}: pip install {_package(error.name)}") from error
    finally:
        sys.meta_path.remove(tolerant)


def _package(module: str | None) -> str:
    """The package to install for a missing module."""
    named = {"cv2": "opencv-python-headless", "sklearn": "scikit-learn", "yaml": "pyyaml"}
    top = (module or "?").split(".")[0]
    return named.get(top, top)


class _Tolerant:
    """Imports the host's model files; one that lacks a package becomes an empty module and a line in ``left_out``."""

    def find_spec(self, name, path=None, target=None):
        if not name.startswith("modeling.models.") or name.count(".") != 2:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None and hasattr(spec.loader, "exec_module"):
            run = spec.loader.exec_module

            def exec_module(module):
                try:
                    run(module)
                except ImportError as error:
                    if error.name is None or error.name.split(".")[0] in GENERIC:
                        raise
                    file = name.rsplit(".", 1)[1] + ".py"
                    registry.left_out[file] = f"needs {error.name}: pip install {_package(error.name)}"
                    logging.getLogger("opengait_mimic").warning("model file %s left out: %s", file, registry.left_out[file])
                    for key in [k for k in vars(module) if not k.startswith("__")]:
                        delattr(module, key)

            spec.loader.exec_module = exec_module
        return spec


def current() -> Host:
    """The bound host; under OpenGait's own main.py (the patch) the one that main.py belongs to.

    Raises:
        HostError: no host is imported.
    """
    if "host" not in _bound:
        base = sys.modules.get("modeling.base_model")
        if base is None:
            raise HostError("no host is bound: call opengait_mimic.host.bind() first")
        source = Path(base.__file__).resolve().parents[1]
        _bound["host"] = embedded("imported") if source.name == "embedded" else checkout(source.parent, "imported")
    return _bound["host"]


def device() -> torch.device:
    """The device chosen by `bind`."""
    return _bound["device"]


def output() -> Path:
    """The folder that results go to: `bind`'s, else ``output`` of the working folder as in OpenGait."""
    return _bound.get("output", Path("output"))


def resolve(path: str, key: str) -> Path:
    """The file or folder a configuration names: absolute, or relative to the working folder, the configuration's folder,
    our shipped configurations, or the host's root, in this order.

    Raises:
        HostError: it is in none of them; lists the places tried.
    """
    places = [Path.cwd(), *search, CONFIGS.parent, current().root]
    tried = [Path(path).expanduser()] if Path(path).expanduser().is_absolute() else [place / path for place in places]
    for candidate in tried:
        if candidate.exists():
            return candidate
    raise HostError(f"{key}: {path} not found; tried " + ", ".join(str(t) for t in tried))


def load_cfgs(path: str | os.PathLike, key: str = "--cfgs") -> dict:
    """A complete configuration: the YAML over the host's ``configs/default.yaml``.

    Raises:
        HostError: no such file, not YAML, or not a mapping.
    """
    import yaml

    file = resolve(str(path), key)
    loaded = []
    for source in (file, current().root / "configs" / "default.yaml"):
        try:
            loaded.append(yaml.safe_load(source.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise HostError(f"{key}: cannot read {source}: {error}") from error
        if not isinstance(loaded[-1], dict):
            raise HostError(f"{key}: {source} is not a configuration (expected a YAML mapping)")
    return merge(*loaded)

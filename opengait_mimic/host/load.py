"""Import a host's modules and check where they come from."""

from __future__ import annotations

import ast
import importlib
import importlib.machinery
import importlib.util
import logging
import sys
from pathlib import Path

from ..base.errors import HostError
from .find import Host
from .register import left_out

GENERIC = ("utils", "data", "modeling", "evaluation")
_IMPORTED = (*GENERIC, "utils.common", "evaluation.evaluator", "data.transform", "data.sampler", "modeling.models")
_PIP_NAMES = {"cv2": "opencv-python-headless", "sklearn": "scikit-learn", "yaml": "pyyaml"}


def import_host(host: Host) -> None:
    """Put the host first on the import path, import it, and check that its generic package names are its own.

    A model file of the host whose optional package is missing is left out: ``left_out`` says why, ``check`` prints it, and so does the
    error where a YAML names such a model. What the host's modules log while they are imported is not shown.

    Raises:
        HostError: the host lacks packages that it needs, a module, or a package of one of these names comes from elsewhere.
    """
    sys.path[:] = [str(host.source), *(place for place in sys.path if place != str(host.source))]
    finder = _ModelFileFinder()
    sys.meta_path.insert(0, finder)
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        for name in _IMPORTED:
            _refuse_foreign(importlib.import_module(name), host)
    except HostError:
        raise
    except ModuleNotFoundError as error:
        if _is_hosts(error.name):
            raise HostError(f"{host.source} has no {error.name}: is the checkout complete?") from error
        missing = sorted({_pip_name(error.name), *_missing_packages(host.source)})
        raise HostError(f"OpenGait needs packages that are not installed: pip install {' '.join(missing)}") from error
    except Exception as error:
        hint = ". torch and torchvision must be releases that belong together" if "torchvision" in str(error) else ""
        raise HostError(f"{host.source} cannot be imported: {error!r}{hint}") from error
    finally:
        sys.meta_path.remove(finder)
        logging.disable(level)


def _missing_packages(source: Path) -> set[str]:
    """The names by which pip installs what the host's modules import and this Python lacks. Its model files may do without."""
    imported = set()
    for file in source.rglob("*.py"):
        if file.relative_to(source).parts[0] in GENERIC and "models" not in file.parts:
            for node in ast.parse(file.read_bytes()).body:
                if isinstance(node, ast.Import):
                    imported |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    imported.add(node.module.split(".")[0])
    return {_pip_name(name) for name in imported - set(GENERIC) if importlib.util.find_spec(name) is None}


def _refuse_foreign(module, host: Host) -> None:
    places = [module.__file__] if getattr(module, "__file__", None) else list(module.__path__)
    for place in places:
        if host.source.resolve() not in Path(place).resolve().parents:
            raise HostError(f"`{module.__name__}` was imported from {place}, not from {host.source}: rename or remove that package")


def _is_hosts(module: str | None) -> bool:
    return module is not None and module.split(".")[0] in GENERIC


def _pip_name(module: str | None) -> str:
    top = (module or "?").split(".")[0]
    return _PIP_NAMES.get(top, top)


class _ModelFileFinder:
    """Imports the host's model files; one that fails becomes an empty module and an entry of ``left_out``."""

    def find_spec(self, name, path=None, target=None):
        if not name.startswith("modeling.models.") or name.count(".") != 2:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or not hasattr(spec.loader, "exec_module"):
            return spec
        execute = spec.loader.exec_module

        def exec_module(module):
            try:
                execute(module)
            except HostError:
                raise
            except Exception as error:
                _leave_out(name.rpartition(".")[2] + ".py", error)
                for key in [key for key in vars(module) if not key.startswith("__")]:
                    delattr(module, key)

        spec.loader.exec_module = exec_module
        return spec


def _leave_out(file: str, error: Exception) -> None:
    """Note why a model file cannot be imported; raise if a part of the host itself is missing."""
    missing = getattr(error, "name", None) if isinstance(error, ImportError) else None
    if _is_hosts(missing):
        if f"{missing.rpartition('.')[2]}.py" not in left_out:
            raise error
        left_out[file] = f"builds on {missing}, which is left out"
    elif missing:
        left_out[file] = f"needs {missing}: pip install {_pip_name(missing)}"
    else:
        left_out[file] = f"fails: {error!r}"

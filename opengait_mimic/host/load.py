"""Import a host's modules and check that they are its own."""

from __future__ import annotations

import importlib
import importlib.machinery
import logging
import sys
from pathlib import Path

from ..base.errors import HostError
from .find import Host
from .register import left_out

GENERIC = ("utils", "data", "modeling", "evaluation")


def import_host(host: Host) -> None:
    """Put the host first on the import path, import it, and check that every generic name is its own.

    A model file of the host whose optional package is missing is left out with one warning line.

    Raises:
        HostError: a package the host cannot do without is missing, or a name comes from elsewhere.
    """
    sys.path[:] = [str(host.source), *(place for place in sys.path if place != str(host.source))]
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
    except HostError:
        raise
    except Exception as error:
        hint = ". torch and torchvision must be releases that belong together" if "torchvision" in str(error) else ""
        raise HostError(f"{host.source} cannot be imported: {error!r}{hint}") from error
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
                except HostError:
                    raise
                except Exception as error:  # whatever ails one model file, the others serve
                    missing = getattr(error, "name", None) if isinstance(error, ImportError) else None
                    own = missing is not None and missing.split(".")[0] in GENERIC
                    if own and f"{missing.rpartition('.')[2]}.py" not in left_out:
                        raise
                    file = name.rsplit(".", 1)[1] + ".py"
                    if own:
                        left_out[file] = f"builds on {missing}, which is left out"
                    else:
                        left_out[file] = f"needs {missing}: pip install {_package(missing)}" if missing else f"fails: {error!r}"
                    logging.getLogger("opengait_mimic").warning("model file %s left out: %s", file, left_out[file])
                    for key in [k for k in vars(module) if not k.startswith("__")]:
                        delattr(module, key)

            spec.loader.exec_module = exec_module
        return spec

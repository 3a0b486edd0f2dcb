"""What we add to the host: one visible table. A registry of OpenGait's is a module namespace."""

from __future__ import annotations

import importlib
import inspect
import sys
from types import ModuleType

from ..base.config import nearest
from ..base.errors import HostError

REGISTERED = {
    "modeling.models": {
        "MimicGait": "opengait_mimic.models.mimicgait",
        "VEN": "opengait_mimic.models.ven",
        "Baseline2": "opengait_mimic.models.baseline2",
        "OcclusionAware": "opengait_mimic.models.occlusionaware",
    },
    "modeling.losses": {
        "MiCKDLoss": "opengait_mimic.losses.mickd",
        "L2DistillationLoss": "opengait_mimic.losses.l2",
        "HiddenFractionLoss": "opengait_mimic.losses.hidden_fraction",
    },
    "data.transform": {
        "OcclusionAugmentation": "opengait_mimic.occlusion.augmentation",
    },
    "evaluation.evaluator": {
        "evaluate_walkers": "opengait_mimic.host.evaluators",
        "evaluate_visibility": "opengait_mimic.host.evaluators",
    },
}
"""Host namespace -> name in the YAML -> the module of ours that defines it."""

left_out: dict[str, str] = {}
"""Host model file -> why it could not be imported (filled while the host is imported)."""


def register() -> None:
    """Put every name of `REGISTERED` into the host's namespaces. Doing it twice is harmless.

    Raises:
        HostError: the host's modules are not imported, or the host has its own object of that name.
    """
    for namespace, names in REGISTERED.items():
        module = sys.modules.get(namespace)
        if module is None:
            raise HostError(f"{namespace} is not imported: bind a host first (opengait_mimic.host.bind)")
        for name, home in names.items():
            ours = getattr(importlib.import_module(home), name)
            there = getattr(module, name, ours)
            if there is not ours:
                raise HostError(
                    f"{namespace}.{name} exists already, defined in {getattr(there, '__module__', '?')}; ours comes from {home}."
                    " Rename one of the two: a host's own class is never replaced."
                )
            setattr(module, name, ours)


def is_ours(model: type) -> bool:
    """Whether a class comes from this plugin; the host's own know nothing of occlusion."""
    return model.__module__.startswith("opengait_mimic.")


def lookup(namespace: str, name: str, key: str):
    """The object the YAML names.

    Args:
        namespace: the host's module, for example ``modeling.models``.
        name: the name in the YAML.
        key: the YAML key, for the message.

    Raises:
        HostError: nothing of that name; lists what exists and what was left out.
    """
    module = sys.modules[namespace]
    known = sorted(_public(module))
    if name in known:
        return getattr(module, name)
    message = f"{key}: {name!r} is not in {namespace}{nearest(name, known)}. There are: {', '.join(known)}."
    if namespace == "modeling.models" and left_out:
        message += " Left out: " + "; ".join(f"{file} ({why})" for file, why in left_out.items()) + "."
    raise HostError(message)


def _public(module: ModuleType) -> list[str]:
    """Names a YAML may use: classes and functions of the host or ours, no modules, no helpers of third parties."""
    roots = {module.__name__.split(".")[0], "opengait_mimic"}
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and getattr(value, "__module__", "").split(".")[0] in roots
    ]

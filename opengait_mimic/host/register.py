"""The table of all that this plugin adds to the host. OpenGait looks a name up in a module, so that is where they go."""

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
        "RGGait": "opengait_mimic.models.rggait",
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
"""Module of the host -> name in the YAML -> our module that defines it, imported when the host is bound."""

left_out: dict[str, str] = {}
"""Model file of the host -> why it could not be imported; filled while the host is imported."""


def register() -> None:
    """Put every name of `REGISTERED` into the host's modules; doing it twice changes nothing.

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
                    " Rename one of the two: a class of the host is never replaced"
                )
            setattr(module, name, ours)


def is_ours(model: type) -> bool:
    """Whether a class comes from this plugin."""
    return model.__module__.startswith("opengait_mimic.")


def lookup(namespace: str, name: str, key: str):
    """Find the object that the YAML names.

    Args:
        namespace: the host's module, for example ``modeling.models``.
        name: the name in the YAML.
        key: the YAML key, for the message.

    Raises:
        HostError: no such name; the message lists the known ones and the model files that were left out.
    """
    module = sys.modules[namespace]
    known = sorted(_public(module))
    if name in known:
        return getattr(module, name)
    is_other = namespace == "evaluation.evaluator" and inspect.isfunction(getattr(module, str(name), None))
    what = "no evaluation function" if is_other else f"not in {namespace}"
    cure = ""
    if namespace == "modeling.models":
        known = [each for each in known if _is_model(getattr(module, each))]
        cure = " The YAML of a fork needs the fork's model file in modeling/models of the OpenGait checkout."
        if left_out:
            cure += " Left out: " + "; ".join(f"{file} ({why})" for file, why in left_out.items()) + "."
    raise HostError(f"{key}: {name!r} is {what}{nearest(name, known)}. Known: {', '.join(known)}.{cure}")


def _is_model(value) -> bool:
    base = sys.modules["modeling.base_model"].BaseModel
    return inspect.isclass(value) and issubclass(value, base) and value is not base


def _public(module: ModuleType) -> list[str]:
    """Names that a YAML may use: classes and functions of the host or ours, no modules, nothing of third parties."""
    roots = {module.__name__.split(".")[0], "opengait_mimic"}
    names = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and getattr(value, "__module__", "").split(".")[0] in roots
    ]
    if module.__name__ != "evaluation.evaluator":
        return names
    return [name for name in names if name in REGISTERED[module.__name__] or _is_evaluation(getattr(module, name), module.__name__)]


def _is_evaluation(value, namespace: str) -> bool:
    """Whether the host can call it as ``(data, dataset)``; the module has helpers and names of other modules too."""
    if value.__module__ != namespace or not inspect.isfunction(value):
        return False
    spec = inspect.getfullargspec(value)
    return len(spec.args) - len(spec.defaults or ()) == 2

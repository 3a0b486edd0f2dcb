"""What the YAML files feed their networks that a model of ours names: silhouettes, or a refusal."""

from __future__ import annotations

import inspect
import sys

from ..base.errors import ConfigError
from ..host import load_cfgs
from ..host.config_checks import transforms
from ..host.transform_inputs import OTHERS, SILHOUETTES, refuse_several_inputs
from .dependencies import Use


def refuse_others(cfgs: dict, key: str, file: str | None) -> str | None:
    """Stop at a YAML whose network was made for another input than silhouettes alone.

    Args:
        cfgs: the complete configuration of the YAML.
        key: the block of ``model_cfg`` that names it, such as ``model_cfg.backbone``.
        file: the YAML.

    Returns:
        A line for the log where its transforms do not tell (none is known to take silhouettes, as with one of the user's own), or None.

    Raises:
        ConfigError: several inputs, or a transform of something else; says of what, the file, the transform's key and the way out.
    """
    refuse_several_inputs(cfgs, key)
    engines = ("evaluator_cfg", "trainer_cfg")
    named = [each for engine in engines for each in transforms(cfgs[engine].get("transform"), f"{engine}.transform")]
    at = f"{key}.cfgs = {file}" if file else key
    for where, name in named:
        other = next((OTHERS[each] for each in _names(name) if each in OTHERS), None)
        if other:
            raise ConfigError(
                f"{at}: {where} = {name}: that YAML's {cfgs['model_cfg'].get('model')} takes {other}, not silhouettes. Choose the YAML of a"
                f" model of silhouettes: its transforms have {' or '.join(SILHOUETTES)}"
            )
    if any(each in SILHOUETTES for _, name in named for each in _names(name)):
        return None
    given = ", ".join(dict.fromkeys(str(name) for _, name in named)) or "none"
    return f"{at}: whether it is for silhouettes is not checked: its transforms ({given}) do not tell"


def refuse_other_inputs(model_cfg: dict, depends: dict[str, Use]) -> list[str]:
    """`refuse_others` for every YAML that a training needs: the backbone and what the model depends on, but for RP references.

    Returns:
        Its lines for the log.
    """
    found = []
    for name in ("backbone", *(name for name, use in depends.items() if use is not Use.REFERENCE)):
        block, key = model_cfg.get(name), f"model_cfg.{name}"
        if isinstance(block, dict) and block.get("cfgs"):
            found.append(refuse_others(load_cfgs(block["cfgs"], f"{key}.cfgs"), key, block["cfgs"]))
    return [line for line in found if line]


def _names(name) -> list[str]:
    """A transform's name and those of the classes that it derives from."""
    made = getattr(sys.modules["data.transform"], name, None) if isinstance(name, str) else None
    return [base.__name__ for base in made.__mro__] if inspect.isclass(made) else [name]

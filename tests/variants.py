"""A stage's configuration with a few keys changed."""

from __future__ import annotations

import yaml


def variant(file, folder, **changes):
    """A stage's YAML with dotted keys changed (`...` removes one), in a folder of its own; other stages' YAMLs by their full path."""
    cfgs = yaml.safe_load(file.read_text())
    for block in ("backbone", "teacher", "ven"):
        if (cfgs["model_cfg"].get(block) or {}).get("cfgs"):
            cfgs["model_cfg"][block]["cfgs"] = str(file.parent / cfgs["model_cfg"][block]["cfgs"])
    for key, value in changes.items():
        block = cfgs
        *path, last = key.split("__")
        for name in path:
            block = block[int(name)] if isinstance(block, list) else block[name]
        block[last] = value
        if value is ...:
            del block[last]
    made = folder / file.name
    made.write_text(yaml.safe_dump(cfgs))
    return made

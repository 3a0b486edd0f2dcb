"""MimicGait and its sister methods as a plugin of OpenGait. Importing this touches no host, and torch only when a name is used."""

import importlib

__version__ = "0.1.0"
_HOMES = {
    "base.errors": ("ConfigError",),
    "losses": ("HiddenFractionLoss", "L2DistillationLoss", "MiCKDLoss", "mickd_triplets", "pair_distances"),
    "networks.visibility": ("VisibilityNetwork",),
    "occlusion": ("KINDS", "Draw", "Occlusion", "apply", "draw"),
}
"""Module -> the names it lends to ``opengait_mimic``."""
__all__ = [*(name for names in _HOMES.values() for name in names), "register"]


def __getattr__(name: str):
    """Import a public name on first use."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def register() -> None:
    """Put our classes into the namespaces of the imported host; see `opengait_mimic.host.register.REGISTERED`."""
    from .host import register as put

    put()

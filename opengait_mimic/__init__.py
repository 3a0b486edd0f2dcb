"""MimicGait and its sister methods as a plugin of OpenGait. Importing this touches no host."""

from .base.errors import ConfigError
from .losses import HiddenFractionLoss, L2DistillationLoss, MiCKDLoss, mickd_triplets, pair_distances
from .networks.visibility import VisibilityNetwork
from .occlusion import KINDS, Draw, Occlusion, apply, draw

__version__ = "0.1.0"
__all__ = [
    "KINDS",
    "ConfigError",
    "Draw",
    "HiddenFractionLoss",
    "L2DistillationLoss",
    "MiCKDLoss",
    "Occlusion",
    "VisibilityNetwork",
    "apply",
    "draw",
    "mickd_triplets",
    "pair_distances",
    "register",
]


def register() -> None:
    """Put our classes into the namespaces of the host that is imported; see `opengait_mimic.host.register.REGISTERED`."""
    from .host import register as put

    put()

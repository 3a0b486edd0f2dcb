"""The host: find it, import it, adapt it, register with it. One host per process."""

from __future__ import annotations

from ..base.errors import HostError
from .adapt import rebinding_table
from .bind import bind
from .bound_host import current, device, output
from .find import Host, find
from .load import import_host
from .module_view import Rebinding
from .process_group import follow_world_size, leave
from .register import REGISTERED, is_ours, lookup, register
from .yaml import CONFIGS, resolve, search
from .yaml_check import load_cfgs

__all__ = [
    "CONFIGS",
    "Host",
    "HostError",
    "REGISTERED",
    "Rebinding",
    "bind",
    "current",
    "device",
    "find",
    "follow_world_size",
    "import_host",
    "is_ours",
    "leave",
    "load_cfgs",
    "lookup",
    "output",
    "rebinding_table",
    "register",
    "resolve",
    "search",
]

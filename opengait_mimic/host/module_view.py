"""Rebind a name inside a host's module: how one row of the table in `adapt` is applied."""

from __future__ import annotations

import builtins
import functools
import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any, Callable, NamedTuple


class Rebinding(NamedTuple):
    """One name in a host's module, and what takes its place.

    ``module``: the host's module; ``name``: the name in it, dotted for an attribute of a class; ``build``: makes the replacement from
    the original; ``why``: the reason, for the documentation; ``opengait_only``: the embedded host does without it.
    """

    module: str
    name: str
    build: Callable[[Any], Any]
    why: str
    opengait_only: bool = False


applied: list[Rebinding] = []
"""What this process has rebound, in order."""


def rebind(rows: Iterable[Rebinding]) -> None:
    """Put each row's replacement in its place; a row that was applied before is skipped."""
    for row in rows:
        if row in applied:
            continue
        *path, name = row.name.split(".")
        owner = functools.reduce(getattr, path, sys.modules[row.module])
        original = getattr(owner, name, None) or getattr(builtins, name, None)
        setattr(owner, name, row.build(original))
        applied.append(row)


class ModuleView(ModuleType):
    """A module seen through a few replaced names."""

    def __init__(self, module: ModuleType, **replaced):
        super().__init__(module.__name__)
        self.__dict__.update(_module=module, **replaced)

    def __getattr__(self, name):
        return getattr(self._module, name)

"""What is wrong with a configuration's mapping: unknown keys, wrong types, values out of range."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from numbers import Real
from typing import NamedTuple

from ..config import ConfigError, anything, boolean, nearest, number, read, shown, text, unknown_key
from ..host.registry import is_ours
from .tables import BLOCKS, SAMPLING


class Found(NamedTuple):
    """A problem: the dotted key, the message, and whether it is a key that the host drops."""

    key: str
    message: str
    dropped: bool = False


def problems(user: dict, default: dict) -> Iterator[Found]:
    """Every problem of a configuration as its author wrote it; the host must be bound.

    Args:
        user: the configuration.
        default: the host's default configuration, which fills in the names (``type``, ``solver``, ...) that ``user`` leaves out.
    """
    for key, value in user.items():
        if key not in BLOCKS:
            yield Found(str(key), unknown_key("", key, value, BLOCKS), True)
    for where, data in _numbered("data_cfg", user.get("data_cfg", {})):
        yield from _table(data, where, BLOCKS["data_cfg"])
    for engine in ("trainer_cfg", "evaluator_cfg"):
        if engine in user:
            yield from _engine(user[engine], engine, default[engine])
    if "model_cfg" in user:
        yield from _model(user["model_cfg"])
    losses = user.get("loss_cfg", [])
    base = default["loss_cfg"] if isinstance(losses, dict) else {}  # a list replaces the default, a mapping goes over it
    for where, loss in _numbered("loss_cfg", losses):
        yield from _built(loss, where, "modeling.losses", base, own=BLOCKS["loss_cfg"])
    for key, name, namespace in (
        ("optimizer_cfg", "solver", "torch.optim"),
        ("scheduler_cfg", "scheduler", "torch.optim.lr_scheduler"),
    ):
        if key in user:
            yield from _built(user[key], key, namespace, default[key], name, supplied=1)


def _table(given, where: str, checks: dict) -> Iterator[Found]:
    """The problems of one block whose keys have their checks."""
    if not isinstance(given, dict):
        yield Found(where, f"{where} = {shown(given)}; expected a mapping")
        return
    for key, value in given.items():
        at = f"{where}.{key}"
        if key not in checks:
            yield Found(at, unknown_key(where, key, value, checks), True)
            continue
        try:
            checks[key](value, at)
        except ConfigError as error:
            yield from (Found(at, message) for message in error.args)


def _engine(given, where: str, default: dict) -> Iterator[Found]:
    """``trainer_cfg`` or ``evaluator_cfg``."""
    checks = BLOCKS[where]
    if isinstance(given, dict) and where == "evaluator_cfg":
        function = _made("evaluation.evaluator", given.get("eval_func", default.get("eval_func")))
        taken = arguments(function, 2) if function else dict.fromkeys(default, anything)  # the latter: `lookup` refuses it in a test
        checks = {**taken, **checks}
    yield from _table(given, where, checks)
    if isinstance(given, dict):
        if "sampler" in given:
            yield from _built(given["sampler"], f"{where}.sampler", "data.sampler", default["sampler"], own=SAMPLING, supplied=1)
        yield from _transform(given.get("transform"), f"{where}.transform")


def _transform(given, where: str) -> Iterator[Found]:
    """A transform block, a list of them, or null."""
    if isinstance(given, list):
        for at, block in _numbered(where, given):
            yield from _transform(block, at)
    elif given is not None:
        yield from _built(given, where, "data.transform", {})
        if isinstance(given, dict):
            yield from _transform(given.get("trf_cfg"), f"{where}.trf_cfg")


def _model(given) -> Iterator[Found]:
    """``model_cfg``: one of our models is read against its FIELDS."""
    if not isinstance(given, dict):
        yield Found("model_cfg", f"model_cfg = {shown(given)}; expected a mapping")
    elif "model" not in given:
        misspelt = [key for key in given if nearest(key, ("model",))]
        for key in misspelt[:1]:
            yield Found(f"model_cfg.{key}", unknown_key("model_cfg", key, given[key], ("model",)))
        if not misspelt:
            yield Found("model_cfg", "model_cfg.model: missing; without it the host takes its default model")
    else:
        model = _made("modeling.models", given["model"])
        if model is not None and is_ours(model):
            try:
                read(given, "model_cfg", model.FIELDS)
            except ConfigError as error:
                yield from (Found("model_cfg", message) for message in error.args)


def _built(given, where: str, namespace: str, default: dict, name: str = "type", own: dict | None = None, supplied: int = 0):
    """A block that names a class or function and gives its arguments; ours is built, for its own checks.

    ``default``: the block it is merged over; ``own``: further keys and their checks; ``supplied``: arguments that the host gives.
    """
    checks = {name: text, **(own or {})}
    if not isinstance(given, dict):
        yield Found(where, f"{where} = {shown(given)}; expected a mapping with the key `{name}`")
        return
    chosen = given.get(name, default.get(name))
    if chosen is None:
        misspelt = [key for key in given if nearest(key, (name,))]
        yield Found(where, unknown_key(where, misspelt[0], given[misspelt[0]], checks) if misspelt else f"{where}.{name}: missing")
        return
    made = _made(namespace, chosen)
    if made is None:  # `lookup` or the host refuses the name
        return
    taken = arguments(made, supplied)
    found = list(_table(given, where, {**taken, **checks}))
    yield from found
    if not found and is_ours(made):
        try:
            made(**{key: value for key, value in given.items() if key in taken})
        except ConfigError as error:
            for message in error.args:  # it calls itself by its class
                yield Found(where, re.sub(rf"^{made.__name__}\b", lambda _: where, message))


def arguments(made, supplied: int = 0) -> dict:
    """What a class or function takes by position, with a check by the type of its default; keyword-only ones the host drops.

    Args:
        made: the class or function.
        supplied: how many of the first the host gives.
    """
    spec = inspect.getfullargspec(made.__init__ if inspect.isclass(made) else made)
    defaults = dict(zip(reversed(spec.args), reversed(spec.defaults or ())))

    def check(value):
        return boolean if isinstance(value, bool) else number() if isinstance(value, Real) else anything

    return {name: check(defaults.get(name)) for name in spec.args[inspect.isclass(made) + supplied :]}


def _made(namespace: str, name) -> object | None:
    """The class or function of that name, None where there is none."""
    found = getattr(sys.modules[namespace], name, None) if isinstance(name, str) else None
    return found if inspect.isclass(found) or inspect.isfunction(found) else None


def _numbered(where: str, blocks) -> list[tuple[str, object]]:
    """Every entry of a list with its place; what is no list is one entry."""
    return [(f"{where}[{i}]", block) for i, block in enumerate(blocks)] if isinstance(blocks, list) else [(where, blocks)]

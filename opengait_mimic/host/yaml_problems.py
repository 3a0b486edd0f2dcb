"""What is wrong with a configuration's mapping: unknown keys, wrong types, values out of range."""

from __future__ import annotations

import difflib
import inspect
import re
import sys
from collections.abc import Iterator
from numbers import Real
from typing import NamedTuple

from ..base.config import anything, boolean, nearest, number, read, shown, text, unknown_key
from ..base.errors import ConfigError, HostError
from ..base.yaml_text import parse
from .register import is_ours
from .yaml import resolve
from .yaml_tables import BLOCKS, EVALUATIONS, NEEDED, READ_BY_MODELS, SAMPLING


class Found(NamedTuple):
    """A problem: the dotted key, the message, whether it is a key that the host drops, and one that a model may read itself; ``broken``:
    a block that is no block, or a value of `NEEDED`, which nobody can go on with.
    """

    key: str
    message: str
    dropped: bool = False
    perhaps: bool = False
    broken: bool = False


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
    model = user.get("model_cfg", default["model_cfg"])
    model = _made("modeling.models", model.get("model") if isinstance(model, dict) else None)
    theirs = _backbone(user["model_cfg"]) if model and is_ours(model) else None
    for engine in ("trainer_cfg", "evaluator_cfg"):
        if engine in user:
            yield from _engine(user[engine], engine, default[engine], None if theirs is None else _own_keys(theirs, engine, default))
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
            own = dict.fromkeys(_own_keys(theirs or {}, key, default, namespace, name), anything)
            yield from _built(user[key], key, namespace, default[key], name, own, supplied=1)


def _table(given, where: str, checks: dict) -> Iterator[Found]:
    """The problems of one block whose keys have their checks."""
    if not isinstance(given, dict):
        yield Found(where, f"{where} = {shown(given)}; expected a mapping", broken=True)
        return
    for key, value in given.items():
        at = f"{where}.{key}"
        if key not in checks:
            yield Found(at, unknown_key(where, key, value, checks), True)
            continue
        try:
            checks[key](value, at)
        except ConfigError as error:
            stops = key in NEEDED and not (value and isinstance(value, NEEDED[key]))
            yield from (Found(at, message, broken=stops) for message in error.args)


def _backbone(model_cfg: dict) -> dict | None:
    """The YAML of the backbone that a model of ours trains, whose blocks have the keys that it reads there. Empty for a model without a
    backbone; None where it cannot be told: the backbone is given inline, or its YAML cannot be read (told elsewhere).
    """
    block = model_cfg.get("backbone")
    if block is None:
        return {}
    try:
        found = parse(resolve(block["cfgs"], "").read_text(encoding="utf-8"))
    except (TypeError, KeyError, OSError, UnicodeDecodeError, HostError, ConfigError):
        return None
    return found if isinstance(found, dict) else None


def _own_keys(theirs: dict, key: str, default: dict, namespace: str = "evaluation.evaluator", name: str = "eval_func") -> list:
    """The keys of a block of a backbone's YAML but for the arguments of the class or function that it names there."""
    block = theirs.get(key)
    if not isinstance(block, dict):
        return []
    made = _made(namespace, block.get(name, default[key].get(name)))
    return [each for each in block if each != name and (made is None or each not in arguments(made))]


def _engine(given, where: str, default: dict, further: list | None) -> Iterator[Found]:
    """``trainer_cfg`` or ``evaluator_cfg``; ``further``: where the model reads no keys there but the host's, ours and these. None: it
    may read others, as a model does that is not ours, or a backbone given inline.
    """
    checks = dict(BLOCKS[where])
    if isinstance(given, dict) and where == "evaluator_cfg":
        function = _made("evaluation.evaluator", given.get("eval_func", default.get("eval_func")))
        taken = arguments(function, 2) if function else dict.fromkeys(default, anything)  # the latter: `lookup` refuses it in a test
        checks = {**taken, **checks}
        if function and not is_ours(function) and (function.__module__, function.__name__) not in EVALUATIONS:
            checks["metric"] = anything
    if further is not None:
        checks = {key: check for key, check in checks.items() if key not in READ_BY_MODELS or key in further}
        checks = {**dict.fromkeys(further, anything), **checks}
    for found in _table(given, where, checks):
        if further is not None or not found.dropped:
            yield found
        elif nearest(found.key[len(where) + 1 :], checks):
            yield found._replace(message=f"{found.message}; a key that your own model reads goes into model_cfg")
        else:
            yield found._replace(perhaps=True)
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
        yield Found("model_cfg", f"model_cfg = {shown(given)}; expected a mapping", broken=True)
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
        yield Found(where, f"{where} = {shown(given)}; expected a mapping with the key `{name}`", broken=True)
        return
    chosen = given.get(name, default.get(name))
    if chosen is None:
        misspelt = [key for key in given if key != name and nearest(key, (name,))]
        missing = f"{where}.{name}: missing" if name not in given else f"{where}.{name} = None; expected the name of a class or function"
        yield Found(where, unknown_key(where, misspelt[0], given[misspelt[0]], checks) if misspelt else missing)
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
    """What a class or function takes by position, with a check by its default (see `_by`); keyword-only ones the host drops.

    Args:
        made: the class or function.
        supplied: how many of the first the host gives.
    """
    spec = inspect.getfullargspec(made.__init__ if inspect.isclass(made) else made)
    defaults = dict(zip(reversed(spec.args), reversed(spec.defaults or ())))
    return {name: _by(defaults.get(name), made) for name in spec.args[inspect.isclass(made) + supplied :]}


def _by(default, made):
    """A check by the default of an argument. Only for ours is it the type: ``size=64`` of a foreign class may take a pair as well.

    Torch takes no text for a number or a switch. In the host's folder its own classes and a user's cannot be told apart: any value
    passes but a switch that is a misspelt or quoted true or false, which would count as true.
    """
    typed = boolean if isinstance(default, bool) else number() if isinstance(default, Real) else anything
    if typed is anything or is_ours(made):
        return typed
    if made.__module__.startswith("torch."):
        return lambda value, where: typed(value, where) if isinstance(value, str) else value
    return _no_misspelt_switch if typed is boolean else anything


def _no_misspelt_switch(value, where):
    """A check: anything but text that reads like true or false."""
    close = isinstance(value, str) and difflib.get_close_matches(value.lower(), ("true", "false"), cutoff=0.75)
    return boolean(value, where) if close else value


def _made(namespace: str, name) -> object | None:
    """The class or function of that name, None where there is none."""
    found = getattr(sys.modules[namespace], name, None) if isinstance(name, str) else None
    return found if inspect.isclass(found) or inspect.isfunction(found) else None


def _numbered(where: str, blocks) -> list[tuple[str, object]]:
    """Every entry of a list with its place; what is no list is one entry."""
    return [(f"{where}[{i}]", block) for i, block in enumerate(blocks)] if isinstance(blocks, list) else [(where, blocks)]

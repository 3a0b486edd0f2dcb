"""Find unknown keys, wrong types and values out of range in a configuration. A host must be bound: its signatures say what it takes."""

from __future__ import annotations

import difflib
import inspect
import re
import sys
from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator

from ..base.config import Text, nearest, read_value, shown, unknown_key
from ..base.errors import ConfigError
from ..base.nearest_name import is_one_edit
from ..published.switches import read_switches, refuse_old_places
from .register import is_ours
from .yaml_keys import BLOCKS, NEEDED, OURS, SAMPLER

ANY_FILE, OUR_FILES, NO_FILE = "any file", "files that use something of ours", "no file"
ENGINES = ("trainer_cfg", "evaluator_cfg")
OWN_KEY = "a key that your own model reads goes into model_cfg"


class Problem(NamedTuple):
    """A problem: its dotted key, the message, and in which files it is an error; whether the key is unknown, and what it misspells."""

    key: str
    message: str
    refused_in: str = OUR_FILES
    is_unknown_key: bool = False
    nearest: str = ""


def find_problems(user: dict, default: dict) -> Iterator[Problem]:
    """Find every problem of a configuration.

    With a model that is not ours, an unknown key is an error only if it is a misspelling of a known one: the model may read it.

    Args:
        user: the configuration as its author wrote it.
        default: the host's default configuration, for the names (``type``, ``solver``, ...) that ``user`` leaves out.
    """
    try:
        refuse_old_places(user)
    except ConfigError as error:
        yield from (Problem(message.partition(": ")[0], message) for message in error.args)
        return
    model = user.get("model_cfg", default["model_cfg"])
    model = _find_named("modeling.models", model.get("model") if isinstance(model, dict) else None)
    for problem in _check_blocks(user, default):
        if not problem.is_unknown_key or (model and is_ours(model)):
            yield problem
        elif problem.nearest:
            yield problem._replace(message=f"{problem.message}; {OWN_KEY}")
        else:
            yield problem._replace(refused_in=NO_FILE)


def _check_blocks(user: dict, default: dict) -> Iterator[Problem]:
    for key, value in user.items():
        if key not in BLOCKS:
            yield _unknown_key("", key, value, BLOCKS)
    for where, data in _number_blocks("data_cfg", user.get("data_cfg", {})):
        yield from _check_keys(data, where, BLOCKS["data_cfg"])
    for engine in ENGINES:
        if engine in user:
            yield from _check_engine(user, engine, default)
    if "model_cfg" in user:
        yield from _check_model(user["model_cfg"])
        yield from _check_switches(user)
    losses = user.get("loss_cfg", [])
    base = default["loss_cfg"] if isinstance(losses, dict) else {}  # a list replaces the default, a mapping is merged over it
    for where, loss in _number_blocks("loss_cfg", losses):
        yield from _check_arguments(loss, where, "modeling.losses", base, further=BLOCKS["loss_cfg"])
    if "optimizer_cfg" in user:
        yield from _check_arguments(user["optimizer_cfg"], "optimizer_cfg", "torch.optim", default["optimizer_cfg"], "solver", supplied=1)
    if "scheduler_cfg" in user:
        given, base = user["scheduler_cfg"], default["scheduler_cfg"]
        yield from _check_arguments(given, "scheduler_cfg", "torch.optim.lr_scheduler", base, "scheduler", supplied=1)


def _check_switches(user: dict) -> Iterator[Problem]:
    """Check ``model_cfg.reference_compat``."""
    try:
        read_switches(user)
    except ConfigError as error:
        yield from (Problem("model_cfg.reference_compat", message) for message in error.args)


def _unknown_key(where: str, key: str, value, names) -> Problem:
    message, is_misspelt = unknown_key(where, key, value, names), any(is_one_edit(key, name) for name in names)
    refused_in = ANY_FILE if is_misspelt and where in ("", "data_cfg", *ENGINES) else OUR_FILES
    return Problem(
        f"{where}.{key}".lstrip("."), message, refused_in, is_unknown_key=True, nearest=nearest(key, names) if is_misspelt else ""
    )


def _check_keys(given, where: str, types: dict[str, Any]) -> Iterator[Problem]:
    """Check a block whose keys have their types."""
    if not isinstance(given, dict):
        yield Problem(where, f"{where} = {shown(given)}; expected a mapping", ANY_FILE)
        return
    for key, value in given.items():
        at = f"{where}.{key}"
        if key not in types:
            yield _unknown_key(where, key, value, types)
            continue
        try:
            read_value(types[key], value, at)
        except ConfigError as error:
            stops_host = key in NEEDED and not (value and isinstance(value, NEEDED[key]))
            stops_host |= key == "restore_hint" and not isinstance(value, list)  # no file has a name such as `latest`
            refused_in = ANY_FILE if stops_host or (where in ENGINES and key in OURS) else OUR_FILES
            yield from (Problem(at, message, refused_in) for message in error.args)


def _check_engine(user: dict, where: str, default: dict) -> Iterator[Problem]:
    """Check ``trainer_cfg`` or ``evaluator_cfg``."""
    given, types = user[where], BLOCKS[where]
    if isinstance(given, dict) and where == "evaluator_cfg":
        function = _find_named("evaluation.evaluator", given.get("eval_func", default[where].get("eval_func")))
        types = {**(arguments(function, 2) if function else dict.fromkeys(default[where], Any)), **types}
        if function and not (is_ours(function) or function.__module__ == "evaluation.evaluator"):
            types["metric"] = Any  # a user's own evaluation
    yield from _check_keys(given, where, types)
    if isinstance(given, dict):
        if "sampler" in given:
            base = default[where]["sampler"]
            yield from _check_arguments(given["sampler"], f"{where}.sampler", "data.sampler", base, further=SAMPLER, supplied=1)
        yield from _check_transform(given.get("transform"), f"{where}.transform")


def _check_transform(given, where: str) -> Iterator[Problem]:
    """Check a transform block, a list of them, or null."""
    if isinstance(given, list):
        for at, block in _number_blocks(where, given):
            yield from _check_transform(block, at)
    elif given is not None:
        yield from _check_arguments(given, where, "data.transform", {})
        if isinstance(given, dict):
            yield from _check_transform(given.get("trf_cfg"), f"{where}.trf_cfg")


def _check_model(given) -> Iterator[Problem]:
    """Check ``model_cfg``: the block of a model of ours is read by the schema of its class."""
    if not isinstance(given, dict):
        yield Problem("model_cfg", f"model_cfg = {shown(given)}; expected a mapping", ANY_FILE)
    elif "model" not in given:
        misspelt = [key for key in given if nearest(key, ("model",))]
        for key in misspelt[:1]:
            yield Problem(f"model_cfg.{key}", unknown_key("model_cfg", key, given[key], ("model",)), ANY_FILE)
        if not misspelt:
            yield Problem("model_cfg", "model_cfg.model: missing; without it the host takes its default model")
    else:
        model = _find_named("modeling.models", given["model"])
        if model is not None and is_ours(model):
            try:
                model.Config.read(given, "model_cfg")
            except ConfigError as error:
                yield from (Problem("model_cfg", message) for message in error.args)
        elif model is not None and model.__module__.startswith("modeling."):
            yield from (_unknown_key("model_cfg", key, given[key], ()) for key in _find_unread(model, given))
            block = given.get("backbone_cfg")
            if isinstance(block, dict) and (backbone := _find_named("modeling.backbones", block.get("type"))):
                yield from _check_keys(block, "model_cfg.backbone_cfg", {"type": Any, **arguments(backbone)})


def _find_unread(model: type, model_cfg: dict) -> list[str]:
    """The keys that stand nowhere in the source code of a host's model, of its base classes and of what these import."""
    own = {each.__module__ for each in model.__mro__ if each.__module__.startswith("modeling.")}
    if not own <= sys.modules.keys():
        return []  # entered by hand: there is no source to look in
    imported = {getattr(value, "__module__", None) or "" for name in own for value in vars(sys.modules[name]).values()}
    modules = own | {name for name in imported if name.startswith("modeling.")}
    words = {word for name in modules for word in re.findall(r"\w+", inspect.getsource(sys.modules[name]))}
    return [key for key in model_cfg if key != "model" and key not in words]


def _check_arguments(given, where: str, namespace: str, default: dict, name: str = "type", further=(), supplied: int = 0):
    """Check a block that names a class in a host's module, or a function, and has its arguments. One of ours is built for its own checks.

    ``name``: the key that names it; ``further``: keys that are no arguments, with their types; ``supplied``: see `arguments`.
    """
    if not isinstance(given, dict):
        yield Problem(where, f"{where} = {shown(given)}; expected a mapping with the key `{name}`", ANY_FILE)
        return
    types = {name: Text, **dict(further)}
    chosen = given.get(name, default.get(name))
    if chosen is None:
        misspelt = [key for key in given if key != name and nearest(key, (name,))]
        missing = f"{where}.{name}: missing" if name not in given else f"{where}.{name} = None; expected the name of a class or function"
        yield Problem(where, unknown_key(where, misspelt[0], given[misspelt[0]], types) if misspelt else missing, ANY_FILE)
        return
    made = _find_named(namespace, chosen)
    if made is None:  # `lookup` or the host refuses the name
        return
    taken = arguments(made, supplied)
    problems = list(_check_keys(given, where, {**taken, **types}))
    yield from problems
    if not problems and is_ours(made):
        try:
            made(**{key: value for key, value in given.items() if key in taken})
        except ConfigError as error:
            for message in error.args:  # it begins with the name of the class
                yield Problem(where, re.sub(rf"^{made.__name__}\b", lambda _: where, message))


def arguments(made, supplied: int = 0) -> dict[str, Any]:
    """The arguments that the host passes to a class or function by name, with their types; it drops keyword-only ones.

    The default alone says little of the type: ``size=64`` may take a pair as well. Only text that looks like a misspelt or quoted
    true or false is refused where the default is a switch, since any text counts as true.

    Args:
        made: the class or function.
        supplied: how many of the first arguments the host supplies itself.
    """
    spec = inspect.getfullargspec(made.__init__ if inspect.isclass(made) else made)
    defaults = dict(zip(reversed(spec.args), reversed(spec.defaults or ())))
    names = spec.args[inspect.isclass(made) + supplied :]
    return {name: Switch if isinstance(defaults.get(name), bool) else Any for name in names}


def _refuse_misspelt(value):
    if isinstance(value, str) and difflib.get_close_matches(value.lower(), ("true", "false"), cutoff=0.75):
        raise ValueError("expected true or false")
    return value


Switch = Annotated[Any, AfterValidator(_refuse_misspelt)]


def _find_named(namespace: str, name):
    """The class or function of that name in a module of the host; None if there is none."""
    value = getattr(sys.modules[namespace], name, None) if isinstance(name, str) else None
    return value if inspect.isclass(value) or inspect.isfunction(value) else None


def _number_blocks(where: str, blocks) -> list[tuple[str, Any]]:
    """Each block of a list with its place; what is not a list counts as one block."""
    return [(f"{where}[{i}]", block) for i, block in enumerate(blocks)] if isinstance(blocks, list) else [(where, blocks)]

"""Configuration blocks of ours: typed, strict, with messages that name the key.

OpenGait drops keys that it does not know and says nothing. A block of ours is a `Block` (a pydantic model): an unknown key, a missing
key, a wrong type or a value out of range stops the run. One error lists all problems.

Example:
    >>> class Teacher(Block):
    ...     cfgs: Text | None = Field(None, description="YAML of the teacher; null: the backbone's")
    ...     checkpoint: Text = Field("auto", description="path of the weights, or `auto`: the file that training `cfgs` writes")
    >>> class MyModel(Block):
    ...     teacher: Teacher = Field(Teacher(), description="the frozen network that is imitated")
    ...     hidden: pair_of(between(0.01, 0.95)) = Field((0.4, 0.6), description="lowest and highest hidden fraction, 0.01-0.95")
    ...     ranked: Literal["fused", "bare"] = Field("fused", description="embedding that is ranked")
    >>> MyModel.read({"hidden": [0.2, 0.3], "teacher": None}, "model_cfg").hidden
    (0.2, 0.3)
    >>> MyModel.read({"hiden": [0.2, 0.3], "teacher": {"checkpoint": 5}}, "model_cfg")
    Traceback (most recent call last):
    opengait_mimic.base.errors.ConfigError: model_cfg.teacher.checkpoint = 5; expected a non-empty string
    model_cfg.hiden: unknown key (did you mean 'hidden'?); allowed: ['hidden', 'ranked', 'teacher']; given [0.2, 0.3]

Rules:
    - Types: `Share`, `NonNegative`, `Count`, `Natural`, `Text`, `Flag`, `between`, `whole`, `pair_of`, ``Literal[...]``, another `Block`,
      ``| None`` for null, ``Any`` for a value that is read elsewhere. Whole numbers are taken for numbers; nothing else is converted.
    - A field without a default is required. ``null`` for a nested block means its defaults, unless the type allows None.
    - A check of your own is a pydantic validator that raises ``ValueError("expected ...")``; `read` puts the key and the value before it.
      A text that begins with ``.key`` names a key below the block. A `ConfigError` is taken as it is.
    - A key that was renamed stands in ``RENAMED``: its old name is refused with the new one.
    - A type of your own has its words as an `Allowed` in its ``Annotated``.
    - Every field has a description of one line with unit and range: docs/configuration.md is printed from it.
"""

from __future__ import annotations

import copy
import math
import types
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from .errors import ConfigError
from .nearest_name import nearest, shown, unknown_key


class Allowed(NamedTuple):
    """The words of a type in messages and on the configuration page; stands in its ``Annotated``."""

    words: str


def between(low: float, high: float = math.inf):
    """The type of a number in the closed interval [low, high]."""
    span = f"of at least {low:g}" if math.isinf(high) else f"from {low:g} to {high:g}"
    return Annotated[float, Field(ge=low, le=high), Allowed(f"a number {span}")]


def whole(low: int, high: int | None = None):
    """The type of a whole number of at least ``low``, and at most ``high``."""
    span = f"of at least {low}" if high is None else f"from {low} to {high}"
    return Annotated[int, Field(ge=low, le=high), Allowed(f"a whole number {span}")]


def pair_of(kind):
    """The type of a list of two values, read as a tuple."""
    as_tuple = BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
    return Annotated[tuple[kind, kind], as_tuple, Allowed(f"a list of two values; each: {describe(kind)}")]


Share = between(0, 1)
NonNegative = between(0)
Count = whole(1)
Natural = whole(0)
Text = Annotated[str, Field(min_length=1), Allowed("a non-empty string")]
Flag = bool


def describe(kind) -> str:
    """The values of a type in words: ``a number from 0 to 1, or null``."""
    if get_origin(kind) is Annotated:
        kind, *marks = get_args(kind)
        words = [mark.words for mark in marks if isinstance(mark, Allowed)]
        return words[-1] if words else describe(kind)
    if _is_union(kind):
        members = [describe(member) for member in get_args(kind) if member is not type(None)]
        return " or ".join(members) + (", or null" if type(None) in get_args(kind) else "")
    if get_origin(kind) is Literal:
        return "one of " + ", ".join("null" if each is None else repr(each) for each in get_args(kind))
    if get_origin(kind) is list:
        return f"a list; each entry: {describe(get_args(kind)[0])}"
    if isinstance(kind, type) and issubclass(kind, Block):
        return f"a mapping with the keys {sorted(kind.model_fields)}"
    names = {float: "a number", int: "a whole number", bool: "true or false", str: "text", Any: "any value"}
    return names.get(kind) or ("a mapping" if dict in (kind, get_origin(kind)) else f"a {kind.__name__}")


class Block(BaseModel):
    """A block of the YAML that is ours; see this module."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, protected_namespaces=())
    RENAMED: ClassVar[dict[str, str]] = {}
    """Old name of a key -> its new name, for messages."""

    @model_validator(mode="before")
    @classmethod
    def _read_null_as_defaults(cls, given):
        return {} if given is None else given

    @classmethod
    def read(cls, given: Any, where: str):
        """Read a block.

        Args:
            given: the mapping from the YAML; None reads as an empty one.
            where: its place for messages, for example ``model_cfg.teacher``.

        Raises:
            ConfigError: with one argument for each unknown or missing key and each wrong value. A missing key is not reported next to
                an unknown one, which may be it misspelt.
        """
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise ConfigError(*_problems(error, cls, given, where)) from None


def field_types(block: type[Block]) -> dict[str, Any]:
    """The type of each field of a block, as it was annotated."""
    fields = block.model_fields
    return {key: Annotated[(each.annotation, *each.metadata)] if each.metadata else each.annotation for key, each in fields.items()}


def read_value(kind, given: Any, where: str):
    """Read a single value of one of the types above; raises as `Block.read`."""
    config = None if isinstance(kind, type) and issubclass(kind, BaseModel) else ConfigDict(strict=True, allow_inf_nan=False)
    try:
        return TypeAdapter(kind, config=config).validate_python(given)
    except ValidationError as error:
        raise ConfigError(*_problems(error, kind, given, where)) from None


def _problems(error: ValidationError, kind, given, where: str) -> list[str]:
    """The messages of a failed validation; a missing key is left out where its block has an unknown one."""
    errors = error.errors(include_url=False)
    unknown = {each["loc"][:-1] for each in errors if each["type"] in UNKNOWN}
    messages = []
    for each in errors:
        if each["type"] != "missing" or each["loc"][:-1] not in unknown:
            messages += _messages(each, _Place(where, kind, given))
    return list(dict.fromkeys(messages))  # pydantic has an error for each member of a union


UNKNOWN = ("extra_forbidden", "invalid_key")


class _Place(NamedTuple):
    """A place in a configuration: the dotted key, the type there, and the value."""

    where: str
    kind: Any
    value: Any


def _messages(error: dict, place: _Place) -> Iterator[str]:
    """The messages of one of pydantic's errors, whose location begins at a place."""
    steps = list(error["loc"])
    while steps and not _is_union(_bare(place.kind)):  # pydantic's steps below a union name its members
        if error["type"] == "missing" and len(steps) == 1:
            if isinstance(steps[0], int):  # a list that is too short
                break
            yield f"{place.where}.{steps[0]}: missing; this key is required"
            return
        if error["type"] in UNKNOWN and len(steps) == 1:
            block, key, value = _block_of(place.kind), steps[0], _value_below(place, steps[0])
            if key in block.RENAMED:
                yield f"{place.where}.{key}: this key was renamed; write {block.RENAMED[key]}: {value}"
            else:
                yield unknown_key(place.where, key, value, block.model_fields)
            return
        if steps[1:] == ["[key]"]:
            names = get_args(get_args(_bare(place.kind))[0])  # the keys of the mapping are a Literal
            yield unknown_key(place.where, steps[0], _value_below(place, steps[0]), names)
            return
        place = _below(place, steps.pop(0))
    yield from _wrong_value(error, place)


def _wrong_value(error: dict, place: _Place) -> Iterator[str]:
    cause, block = error.get("ctx", {}).get("error"), _block_of(place.kind)
    if isinstance(cause, ConfigError):
        yield from cause.args
    elif cause is not None and str(cause).startswith("."):
        yield f"{place.where}{cause}"
    elif cause is not None and block is not None and isinstance(place.value, dict):
        yield f"{place.where}: {cause}"
    elif cause is not None:
        yield f"{place.where} = {shown(place.value)}; {cause}"
    elif block is not None and isinstance(place.value, dict):  # a union with a block
        try:
            block.read(place.value, place.where)
        except ConfigError as inner:
            yield from inner.args
    elif block is not None:
        yield f"{place.where}: expected {describe(place.kind)}, got {shown(place.value)}"
    else:
        yield f"{place.where} = {shown(place.value)}{_expected(place)}"


def _expected(place: _Place) -> str:
    """The tail of the message for a wrong value."""
    allowed = describe(place.kind)
    if get_origin(_bare(place.kind)) is Literal:
        return f"{nearest(place.value, get_args(_bare(place.kind)))}; allowed: {allowed[len('one of ') :]}"
    hint = " (YAML reads 1e-4 as text: write 1.0e-4)" if allowed.startswith("a number") and _reads_as_number(place.value) else ""
    if allowed.startswith("a list of two values") and not (isinstance(place.value, (list, tuple)) and len(place.value) == 2):
        allowed = "a list of two values"
    return f"; expected {allowed}{hint}"


def _below(place: _Place, step) -> _Place:
    """The place of a key or an index of the value at a place."""
    kind, where = _bare(place.kind), f"{place.where}[{step}]" if isinstance(step, int) else f"{place.where}.{step}"
    block = _block_of(kind)
    if block is not None:
        return _Place(where, field_types(block)[step], _value_below(place, step))
    return _Place(where, get_args(kind)[1 if get_origin(kind) is dict else 0], _value_below(place, step))


def _value_below(place: _Place, step):
    if isinstance(place.value, dict) and step not in place.value:  # pydantic has a key that is not text as text
        step = next(key for key in place.value if step in (str(key), repr(key)))
    return place.value[step]


def _bare(kind):
    """A type without ``Annotated`` and without ``| None``."""
    while get_origin(kind) is Annotated or (_is_union(kind) and len(get_args(kind)) == 2 and type(None) in get_args(kind)):
        kind = next(member for member in get_args(kind) if member is not type(None))
    return kind


def _block_of(kind) -> type[Block] | None:
    """The block that a type is, or that is a member of a union."""
    kind = _bare(kind)
    blocks = [each for each in (get_args(kind) if _is_union(kind) else (kind,)) if isinstance(each, type) and issubclass(each, Block)]
    return blocks[0] if blocks else None


def _is_union(kind) -> bool:
    return get_origin(kind) in (Union, getattr(types, "UnionType", Union))


def _reads_as_number(value) -> bool:
    try:
        return isinstance(value, str) and math.isfinite(float(value))
    except ValueError:
        return False


def merge(user: dict, default: dict) -> dict:
    """The user's configuration over the default one, as OpenGait merges them: mappings key by key, the rest replaced."""
    user, merged = copy.deepcopy(user), copy.deepcopy(default)
    for key, value in user.items():
        below = merged.get(key)
        merged[key] = merge(value, below) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged


def losses_of(cfgs: dict) -> list[dict]:
    """The blocks of ``loss_cfg``, which may be one mapping or a list of them."""
    losses = cfgs["loss_cfg"]
    return losses if isinstance(losses, list) else [losses]

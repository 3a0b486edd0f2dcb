"""Why a host model cannot serve as a backbone, from the error it met and the transforms of its YAML."""

from __future__ import annotations

import inspect
import re

import torch

from ..base.error_origin import describe_error
from ..host.transform_inputs import INSTEAD

CLIP_TYPE = "a clip's type"  # of the clips that the probe makes; a model that looks it up expects other names
AXES = (
    r"to unpack \(expected (?P<wants>\d+), got (?P<has>\d+)\)",
    r"input\.dim\(\) = (?P<has>\d+) is not equal to len\(dims\) = (?P<wants>\d+)",
)


class NotLent(AttributeError):
    """A model reads of its run what a part that is not trained has none of."""


def out_of_memory(error: Exception) -> bool:
    """Whether an error says nothing of the model: the machine's memory was used up. It is passed on as it is."""
    return isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(error)


class OneInput(list):
    """The list of a clip's inputs, which has one; says so when a model asks for more."""

    def __getitem__(self, index):
        """The silhouettes."""
        if isinstance(index, int) and index >= len(self):
            raise LookupError(f"it reads a further input (number {index + 1}) next to the first; here silhouettes are the only one")
        return super().__getitem__(index)


def why_not_built(error: Exception, model_cfg: dict, key: str, instead: str = INSTEAD) -> str:
    """The reason of an error in a model's constructor, and what to do.

    Args:
        error: what was raised.
        model_cfg: its block, at ``key``.
        key: the block's place, for messages.
        instead: what to do where the reason says nothing of it.
    """
    name = model_cfg["model"]
    argument = re.search(r"(\w+)(?:\.__init__)?\(\) got an unexpected keyword argument '(\w+)'", str(error))
    if isinstance(error, TypeError) and argument:
        made, unknown = argument.groups()
        places = [place for place, _ in _items(model_cfg, key) if place.rsplit(".", 1)[-1] == unknown]
        return f"{' or '.join(places) or unknown}: {made} takes no {unknown}{_arguments_of(error, made)}. Remove the key, or correct it"
    texts = [(f"{place} = {value}", value) for place, value in _items(model_cfg, key) if value and isinstance(value, str)]
    if isinstance(error, FileNotFoundError):
        named = ", ".join(text for text, value in texts if value in str(error))
        return f"{named or name}: {error.filename or error} is not there; {name} loads pretrained weights from it. {instead}"
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        return f"it needs the package {package!r}: pip install {package}. {instead}"
    if isinstance(error, ImportError):
        return f"an import of it fails: {error}. {instead}"
    if isinstance(error, KeyError) and error.args:
        return (
            f"it asks for the key {error.args[0]!r}, which its model_cfg or the configuration around it lacks: copy it from a YAML of that"
            " model"
        )
    named = "".join(f"{text}: " for text, value in texts if f"'{value}'" in str(error))
    return f"{named}{describe_error(error)}. {instead}"


def why_not_embedded(error: Exception) -> str:
    """The reason of an error while a model embeds silhouettes."""
    text = str(error)
    channels = re.search(r"to have (\d+) channels, but got (\d+) channels", text)
    axes = next(filter(None, (re.search(pattern, text) for pattern in AXES)), None)
    if type(error) is LookupError or isinstance(error, NotLent):
        return text
    if isinstance(error, KeyError) and CLIP_TYPE in error.args:
        return "it looks the type of a sequence up among names of its own: it classifies those and does not identify people"
    if isinstance(error, KeyError) and error.args[:1] in (("inference_feat",), ("embeddings",)):
        return "it returns no inference_feat.embeddings"
    if channels:
        needed, got = channels.groups()
        return f"a layer of it takes {needed} channels and gets {got}: silhouettes are not its input, or not the whole of it"
    if axes and axes["has"] == "4":
        return f"it takes inputs of {axes['wants']} axes, where silhouettes [n, s, h, w] have 4: skeletons, maps or colours"
    if axes:
        return f"it unpacks {axes['wants']} pieces where there is {axes['has']}: several inputs, or several views of each clip"
    if "tensor of 0 elements" in text:
        return "it cuts a part off its input that silhouettes, of one channel, do not have: they are not the whole of it"
    if isinstance(error, TypeError) and "NoneType" not in text:  # a call that this version does not know, whatever the input
        return f"the model itself fails with this torch ({torch.__version__}): {describe_error(error)}"
    return describe_error(error)


def _arguments_of(error: Exception, name: str) -> str:
    """What a class of the host takes, found in the frames that the error passed."""
    frame = error.__traceback__
    while frame is not None:
        made = frame.tb_frame.f_globals.get(name)
        if made is not None:
            return f"; it takes {', '.join(inspect.getfullargspec(made).args[1:])}"
        frame = frame.tb_next
    return ""


def _items(block, key: str):
    """Every value of a configuration that is no block, with its place."""
    if isinstance(block, dict):
        for name, value in block.items():
            yield from _items(value, f"{key}.{name}")
    else:
        yield key, block

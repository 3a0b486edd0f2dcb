"""Why a host model cannot serve as a backbone, in words. Found by trying; nothing here knows a model's name."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

from ..config import ConfigError

INSTEAD = "Choose a backbone that embeds silhouettes alone, such as Baseline, GaitGL or DeepGaitV2"
CLIP_TYPE = "a clip's type"  # of the clips that `trial` makes; whoever looks it up has names of its own
AXES = (
    r"to unpack \(expected (?P<wants>\d+), got (?P<has>\d+)\)",
    r"input\.dim\(\) = (?P<has>\d+) is not equal to len\(dims\) = (?P<wants>\d+)",
)


class OneInput(list):
    """The list of a clip's inputs, which has one; says so when a model asks for more."""

    def __getitem__(self, index):
        """The silhouettes."""
        if isinstance(index, int) and index >= len(self):
            raise LookupError(f"it reads a further input (number {index + 1}) beside the first; here silhouettes are the only one")
        return super().__getitem__(index)


def inputs_of(own: dict | None) -> list[str]:
    """What a YAML's test feeds its model through: one text for each input."""
    blocks = own["evaluator_cfg"].get("transform") if own else None
    blocks = [blocks] if isinstance(blocks, dict) else blocks or []
    return [" + ".join(step["type"] for step in block.get("trf_cfg", [block])) for block in blocks]


def refuse_inputs(own: dict, key: str) -> None:
    """Stop at a YAML whose model takes several inputs.

    Raises:
        ConfigError: how many, and by which transform each of them is read.
    """
    found = inputs_of(own)
    if len(found) > 1:
        model = own["model_cfg"]["model"]
        raise ConfigError(f"{key}: {model} takes {len(found)} inputs (read through {', '.join(found)}), not silhouettes alone. {INSTEAD}")


def why_not_built(error: Exception, model_cfg: dict, key: str) -> str:
    """The reason of an error in a model's constructor."""
    name = model_cfg["model"]
    if isinstance(error, FileNotFoundError):
        places = [place for place, value in _texts(model_cfg, key) if value and value in str(error)]
        return f"{', '.join(places) or name}: {error.filename or error} is not there; {name} loads pretrained weights from it. {INSTEAD}"
    if isinstance(error, ImportError):
        return f"it needs the package {error.name!r}: pip install {error.name}. {INSTEAD}"
    if isinstance(error, KeyError) and error.args:
        return (
            f"it asks for the key {error.args[0]!r} (`{_line(error)}`), which its model_cfg or the configuration around it lacks:"
            " copy it from a YAML of that model, or choose another backbone"
        )
    return f"{_place(error)}. {INSTEAD}"


def why_not_embedded(error: Exception) -> str:
    """The reason of an error while a model embeds silhouettes."""
    text = str(error)
    channels = re.search(r"to have (\d+) channels, but got (\d+) channels", text)
    axes = next(filter(None, (re.search(pattern, text) for pattern in AXES)), None)
    if type(error) is LookupError:
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
    return _place(error)


def _place(error: Exception) -> str:
    """File and line of an error in the host's code, with the line where the error says nothing."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else "?"
    return f"{type(error).__name__} in {where}: {str(error).splitlines()[0] if str(error) else f'`{_line(error)}`'}"


def _line(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return (frames[-1].line or "?") if frames else "?"


def _texts(block, key: str):
    """Every text of a configuration, with its place."""
    if isinstance(block, dict):
        for name, value in block.items():
            yield from _texts(value, f"{key}.{name}")
    elif isinstance(block, str):
        yield f"{key} = {block}", block

"""Checkpoint files: write them whole or not at all, read them without running code, and say why one cannot be read.

A checkpoint is OpenGait's: ``model``, ``optimizer``, ``scheduler``, ``iteration``. Ours have one more entry, ``opengait_mimic``, which
OpenGait's loader ignores. `opengait_mimic.training.record` describes it.
"""

from __future__ import annotations

import hashlib
import logging
import pickle
import pickletools
import zipfile
import zlib
from pathlib import Path

import torch

from .errors import CheckpointError
from .files import replacing
from .plain_values import to_plain
from .processes import rank_and_world

ENTRY = "opengait_mimic"
FORMAT = 2
MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""In the first bytes of a file that torch wrote until 1.5."""
OLD_PICKLES = 5
"""Pickles at the beginning of such a file, before the raw values."""
MISTAKEN = {
    b"version ": "a pointer of Git LFS; `git lfs pull` fetches the file",
    b"<": "a web page; the download gave a page instead of the file",
}
"""First bytes of files that are often taken for weights -> what they are."""
WRAPPERS = ("module.", "_orig_mod.")
"""What DataParallel and DDP, and torch.compile, put before the names of the weights that they wrap."""
UNREADABLE = (pickle.UnpicklingError, EOFError, ValueError, KeyError, AttributeError, TypeError, IndexError, RuntimeError)


def write(file: Path, content: dict) -> None:
    """Write a checkpoint. Afterwards the file has the whole new content, on the disk, or is unchanged.

    Args:
        file: the file; its folder is made.
        content: tensors and plain values. Numbers and arrays of NumPy become numbers of Python and tensors.

    Raises:
        CheckpointError: the content has an object that could not be read back without running code. HostError: the file cannot be
            written.
    """
    refused: list[str] = []
    content = to_plain(content, "", refused)
    if refused:
        raise CheckpointError(
            f"{file} is not written: a checkpoint holds tensors and plain values alone, so that reading it runs no code. It would hold"
            f" {', '.join(each.lstrip('.') for each in refused[:5])}"
        )
    with replacing(file) as stream:
        torch.save(content, stream)


def read(file: str | Path, key: str, device="cpu") -> dict:
    """Read a checkpoint with ``weights_only=True``; names of weights come without `WRAPPERS`, which is logged once for a file.

    Args:
        file: the file.
        key: the YAML key or option that names it, for messages.
        device: where its tensors go.

    Raises:
        CheckpointError: the file is missing, cut short, damaged, not of torch, holds objects, has no ``model`` entry, or NaN there.
    """
    found = load(file, key, device)
    if not isinstance(found, dict) or not isinstance(found.get("model"), dict):
        holds = f"it has the keys {', '.join(map(str, list(found)[:6]))}" if isinstance(found, dict) else f"a {type(found).__name__}"
        way = ""
        if is_state_dict(found) or (isinstance(found, dict) and any(map(is_state_dict, found.values()))):
            way = f". It holds weights: `opengait-mimic convert {file} --out NEW.pt` writes them under `model`"
        raise CheckpointError(f"{key}: {file} is not an OpenGait checkpoint (a file with a `model` entry): {holds or 'it is empty'}{way}")
    found["model"], prefix = strip_wrappers(found["model"])
    if lost := [str(name) for name, value in found["model"].items() if torch.is_tensor(value) and value.isnan().any()]:
        raise CheckpointError(
            f"{key}: {file} has NaN in {len(lost)} of {len(found['model'])} tensors, such as {lost[0]}: the training that wrote it"
            " diverged. Take an earlier checkpoint"
        )
    if prefix and str(file) not in _stripped and rank_and_world()[0] == 0:
        _stripped.add(str(file))
        text = f"{key}: {file}: the names of its weights have {prefix} in front, which is not theirs"
        logging.getLogger("opengait_mimic").warning("%s (DataParallel, DDP or torch.compile put it there): it is taken off", text)
    return found


_stripped: set[str] = set()
"""Files of which it is logged."""


def strip_wrappers(weights: dict) -> tuple[dict, str]:
    """Weights whose names come without `WRAPPERS`, and what was taken off; empty if nothing was.

    In front a wrapper counts if all names have it; ``_orig_mod.`` also in the middle, where a part of a model was compiled.
    """
    names, prefix = list(weights), ""
    while wrapper := next((each for each in WRAPPERS if names and all(_has_front(name, each) for name in names)), ""):
        names, prefix = [str(name).removeprefix(wrapper) for name in names], prefix + wrapper
    bare = [name.replace("._orig_mod.", ".") if isinstance(name, str) else name for name in names]
    if bare != names:
        prefix += " and _orig_mod." if prefix else "_orig_mod."
    if not prefix or len(set(bare)) < len(names):
        return weights, ""
    return dict(zip(bare, weights.values())), prefix


def _has_front(name, wrapper: str) -> bool:
    return isinstance(name, str) and name.startswith(wrapper)


def read_weights(file: str | Path, key: str) -> dict[str, torch.Tensor]:
    """The ``model`` entry of a checkpoint; raises as `read`."""
    return read(file, key)["model"]


def load(file: str | Path, key: str, device="cpu"):
    """The content of any file of torch's, read with ``weights_only=True``; raises as `read`, except for the ``model`` entry."""
    file = Path(file)
    if why := find_damage(file):
        raise CheckpointError(f"{key}: {file} {why}")
    try:
        return torch.load(file, map_location=device, weights_only=True)
    except UNREADABLE as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise CheckpointError(f"{key}: {file} {_explain(file, error)}") from error


def is_state_dict(content) -> bool:
    """Whether the content of a file is a state dict: names -> tensors, and whatever modules keep as ``_extra_state``."""
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        return False
    weights = [value for name, value in content.items() if not name.endswith("_extra_state")]
    return bool(weights) and all(isinstance(value, torch.Tensor) for value in weights)


def entry(file: Path) -> dict:
    """Our entry of a checkpoint; empty for a file without one, of an older format, or that cannot be read. The weights are not read.

    Raises:
        CheckpointError: a newer version of the plugin wrote the file.
    """
    try:
        found = torch.load(file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file))
    except Exception:  # `read` says why
        return {}
    own = found.get(ENTRY) if isinstance(found, dict) else None
    number = own.get("format") if isinstance(own, dict) else None
    if isinstance(number, int) and number > FORMAT:
        raise CheckpointError(f"{file} was written by a newer opengait_mimic (format {number}, this one knows {FORMAT}): update the plugin")
    return own if number == FORMAT else {}


def find_damage(file: Path) -> str:
    """Why a file is no whole file of torch's, from its bytes alone; empty if nothing is found."""
    try:
        with open(file, "rb") as stream:
            head = stream.read(64)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    if not head:
        return "is empty (0 bytes): its writing or copying was stopped"
    if zipfile.is_zipfile(file):
        return _check_archive(file)
    if head.startswith(b"PK\x03\x04"):
        return _cut_short(file)
    if MAGIC in head:
        return ""
    other = "a pickle that another program wrote" if head.startswith(b"\x80") else ""
    what = next((what for begin, what in MISTAKEN.items() if head.lstrip().startswith(begin)), other)
    return f"is no file of torch's{', but ' + what if what else ''}"


def list_objects(file: Path) -> list[str]:
    """The names (``module.name``) that a file asks for beyond tensors and plain values; nothing is run. Raises: UNREADABLE."""
    if zipfile.is_zipfile(file):
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(file))
    names: dict[str, None] = {}
    with open(file, "rb") as stream:
        for _ in range(OLD_PICKLES):
            names.update({value.replace(" ", "."): None for code, value, _ in pickletools.genops(stream) if code.name == "GLOBAL"})
    return [name for name in names if not name.startswith(("torch.", "collections.", "_codecs."))]


def hash_tensors(tensors: dict[str, torch.Tensor]) -> str:
    """SHA-256 over the name, shape, type and value of every tensor, in the order of the names; other values are skipped."""
    digest = hashlib.sha256()
    for name, value in sorted((name, value) for name, value in tensors.items() if isinstance(value, torch.Tensor)):
        value = value.detach().cpu().contiguous()
        digest.update(f"{name}|{tuple(value.shape)}|{value.dtype}|".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b"")
    return digest.hexdigest()


def _explain(file: Path, error: Exception) -> str:
    """Why torch's safe loader refuses a file."""
    if isinstance(error, EOFError) or "EOF" in str(error):
        return _cut_short(file)
    try:
        objects = list_objects(file)
    except UNREADABLE:
        objects = []
    if not objects:
        return f"is not a checkpoint that can be read: {read_reason(error)}"
    return (
        f"holds more than tensors and plain values ({', '.join(objects[:5])}{', ...' if len(objects) > 5 else ''}). Reading it could run"
        f" code, so it is not read. If you trust its origin: `opengait-mimic convert {file} --out NEW.pt`"
    )


def read_reason(error: Exception) -> str:
    """The line of an error of torch's safe loader that says what it refuses."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    after = [line for before, line in zip(lines, lines[1:]) if before.endswith("error:")]
    return next((line for line in [*after, *lines] if "nsupported" in line or line in after), lines[0][:200])


def _check_archive(file: Path) -> str:
    try:
        with zipfile.ZipFile(file) as archive:
            names = [name.rpartition("/")[2] for name in archive.namelist()]
            if "constants.pkl" in names:
                return "is a TorchScript program, not a checkpoint"
            if "data.pkl" not in names:
                return "is a zip archive, but not one that torch.save wrote"
            bad = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError) as error:
        return f"is damaged: {error}"
    return f"is damaged: {bad} in it does not match its checksum" if bad else ""


def _cut_short(file: Path) -> str:
    return f"is cut short: it ends after {file.stat().st_size} bytes, in the middle. Its writing or copying was stopped; take another"

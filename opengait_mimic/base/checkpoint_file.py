"""Checkpoint files: written whole or not at all, read without running anything, and what is told of one that cannot be read.

A checkpoint is OpenGait's: ``model``, ``optimizer``, ``scheduler``, ``iteration``. Ours have one more entry, ``opengait_mimic``, which
OpenGait's loader ignores. `opengait_mimic.training.record` describes it.
"""

from __future__ import annotations

import hashlib
import pickle
import zipfile
from pathlib import Path

import torch

from . import pickle_names as pickled
from .errors import CheckpointError
from .files import replacing
from .plain_values import plain

ENTRY = "opengait_mimic"
FORMAT = 2
MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""In the first bytes of a file that torch wrote until 1.5."""
PAGES = {
    b"version ": "a pointer of Git LFS, it seems, in place of the file: `git lfs pull` fetches it",
    b"<": "a web page: the download gave a page in place of the file",
}
"""What a file begins with -> what it is; of those that are often taken for weights."""


def write(file: Path, content: dict) -> None:
    """Write a checkpoint; the file has the whole new content, on the disk, or is as it was.

    Args:
        file: where.
        content: tensors and plain values; NumPy's numbers become Python's, for a file that holds one is refused when read.

    Raises:
        CheckpointError: something in it could not be read back without running code. HostError: it cannot be written.
    """
    left: list[str] = []
    content = plain(content, "", left)
    if left:
        raise CheckpointError(
            f"{file} is not written: a checkpoint holds tensors and plain values alone, so that reading it runs nothing; it would hold"
            f" {', '.join(each.lstrip('.') for each in left[:5])}"
        )
    with replacing(file) as stream:
        torch.save(content, stream)


def read(file: str | Path, key: str, device="cpu") -> dict:
    """A checkpoint, read with ``weights_only=True``.

    Args:
        file: where.
        key: the YAML key or option that named it, for messages.
        device: where its tensors go.

    Raises:
        CheckpointError: missing, cut short, damaged, not of torch, holding objects, or no checkpoint of OpenGait's; says which.
    """
    found = load(file, key, device)
    if not isinstance(found, dict) or not isinstance(found.get("model"), dict):
        holds = f"it has the keys {', '.join(map(str, list(found)[:6]))}" if isinstance(found, dict) else f"a {type(found).__name__}"
        way = f". It holds bare weights: `opengait-mimic convert {file} --out NEW.pt` writes them under `model`" if bare(found) else ""
        raise CheckpointError(f"{key}: {file} is not an OpenGait checkpoint (a file with a `model` entry): {holds or 'it is empty'}{way}")
    return found


def read_weights(file: str | Path, key: str) -> dict[str, torch.Tensor]:
    """The ``model`` entry of a checkpoint; raises as `read`."""
    return read(file, key)["model"]


def hash_tensors(tensors: dict[str, torch.Tensor]) -> str:
    """SHA-256 over the name, shape, type and value of every tensor, in the order of the names; other values are skipped."""
    digest = hashlib.sha256()
    for name, value in sorted((name, value) for name, value in tensors.items() if isinstance(value, torch.Tensor)):
        value = value.detach().cpu().contiguous()
        digest.update(f"{name}|{tuple(value.shape)}|{value.dtype}|".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b"")
    return digest.hexdigest()


def bare(found) -> bool:
    """Whether what a file holds is a state dict: names -> tensors, beside what modules keep as ``_extra_state``."""
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        return False
    weights = [value for name, value in found.items() if not name.endswith("_extra_state")]
    return bool(weights) and all(isinstance(value, torch.Tensor) for value in weights)


def load(file: str | Path, key: str, device="cpu"):
    """What a file of torch's holds, read with ``weights_only=True``; raises as `read`, whatever it holds."""
    file = Path(file)
    if why := find_damage(file):
        raise CheckpointError(f"{key}: {file} {why}")
    try:
        return torch.load(file, map_location=device, weights_only=True)
    except (pickle.UnpicklingError, EOFError, ValueError, KeyError, AttributeError, TypeError, IndexError, RuntimeError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        text = str(error)
        if "EOF" in text or isinstance(error, EOFError):
            raise CheckpointError(f"{key}: {file} {_cut(file)}") from error
        first = next((line.strip() for line in text.splitlines() if "Unsupported" in line or "rror" in line), text[:200])
        raise CheckpointError(f"{key}: {file} is not a checkpoint that can be read: {first or type(error).__name__}") from error


def find_damage(file: Path) -> str:
    """Why a file is no readable checkpoint, from its bytes alone; empty where nothing is seen."""
    try:
        with open(file, "rb") as stream:
            head = stream.read(64)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    if not head:
        return "is empty (0 bytes): its writing or copying was stopped"
    if not zipfile.is_zipfile(file):
        if head.startswith(b"PK\x03\x04"):
            return _cut(file)
        if MAGIC not in head:
            pickle_or = "a pickle that something else wrote" if head.startswith(b"\x80") else ""
            what = next((what for begin, what in PAGES.items() if head.lstrip().startswith(begin)), pickle_or)
            return f"is no file of torch's{', but ' + what if what else ''}"
    elif why := _archive(file):
        return why
    try:
        objects = pickled.beyond(file)
    except KeyError:
        return "is a zip archive, but not one that torch.save wrote"
    except (EOFError, ValueError):
        return _cut(file)
    if objects:
        return (
            f"holds more than tensors and plain values ({', '.join(objects[:5])}{', ...' if len(objects) > 5 else ''}), which could run"
            f" code when read, and is not read. Where you trust its origin: `opengait-mimic convert {file} --out NEW.pt`"
        )
    return ""


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


def _archive(file: Path) -> str:
    try:
        with zipfile.ZipFile(file) as archive:
            if any(name.endswith("constants.pkl") for name in archive.namelist()):
                return "is a TorchScript program, not a checkpoint"
            bad = archive.testzip()
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
        return f"is damaged: {error}"
    return f"is damaged: {bad} in it does not match its checksum" if bad else ""


def _cut(file: Path) -> str:
    return f"is cut short: it ends after {file.stat().st_size} bytes, in the middle. Its writing or copying was stopped; take another"

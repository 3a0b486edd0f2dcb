"""Write files whole or not at all, read JSON, hash a file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .errors import ConfigError, HostError

PART = ".part"
"""What a file is called after its name until it is whole; a process that is killed may leave one."""


@contextlib.contextmanager
def replacing(file: Path) -> Iterator[BinaryIO]:
    """A stream for the new content of a file, which has it once this block ends, on the disk, or is as it was.

    Args:
        file: the file; its folder is made.

    Raises:
        HostError: it cannot be written (a full disk, no right to); the temporary file is removed. KeyboardInterrupt: as it came.
    """
    part, outside = file.with_name(file.name + PART), sys.exc_info()[1]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, file)
        _sync(file.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        cause = _cause(error, outside)
        if isinstance(cause, OSError):
            raise HostError(f"cannot write {file}: {cause}{_describe_free_space(file)}. What was saved before is as it was") from error
        if cause is None or cause is error:
            raise
        raise cause from None


def _cause(error: BaseException | None, outside: BaseException | None) -> OSError | KeyboardInterrupt | None:
    """What ended a write, which torch's writer hides behind an error of its own; never what was handled ``outside`` before."""
    while error is not None and error is not outside:
        if isinstance(error, (OSError, KeyboardInterrupt)):
            return error
        error = error.__cause__ or error.__context__
    return None


def _describe_free_space(file: Path) -> str:
    """What the disk of a file has left and what to do."""
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(file.parent).free
        return f" ({free / 1e6:,.1f} MB free there). Make room, or choose another --output, and run the same command again"
    return ""


def _sync(folder: Path) -> None:
    """Put a folder's names on the disk, where the system can (Windows cannot open one)."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def sha256(file: str | Path) -> str:
    """``sha256:<hex>`` of a file's bytes."""
    digest = hashlib.sha256()
    with open(file, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return f"sha256:{digest.hexdigest()}"


def is_litter(name: str) -> bool:
    """Whether a file manager wrote a file of this name: ``.DS_Store``, ``._x.pkl``, ``Thumbs.db``, ``desktop.ini``; any hidden one."""
    return name.startswith(".") or name.lower() in ("thumbs.db", "desktop.ini")


def list_folder(folder: str | os.PathLike) -> list[str]:
    """``os.listdir`` without `is_litter`."""
    return [name for name in os.listdir(folder) if not is_litter(name)]


def read_text(file: str | os.PathLike) -> str:
    """The text of a file in UTF-8, or with a byte order mark in UTF-16 or UTF-32, as editors of Windows save it.

    Raises:
        ConfigError: it is in another encoding; says how to save it.
        OSError: it cannot be read.
    """
    raw = Path(file).read_bytes()
    try:
        return raw.decode(json.detect_encoding(raw))
    except UnicodeDecodeError as error:
        place = f"byte {raw[error.start] if error.start < len(raw) else 0:#04x} at position {error.start:,}"
        raise ConfigError(f"not UTF-8 text ({place}): open it in an editor and save it as UTF-8") from error


def write_json(file: Path, content: dict) -> None:
    """Write JSON, whole or not at all; raises as `replacing`."""
    with replacing(file) as stream:
        stream.write(f"{json.dumps(content, indent=1)}\n".encode())


def read_json(file: Path) -> dict | None:
    """The content of a JSON file; None if the file does not exist.

    Raises:
        HostError: the file is not JSON.
    """
    if not file.is_file():
        return None
    try:
        return json.loads(read_text(file))
    except (OSError, ValueError) as error:
        raise HostError(f"{file} cannot be read ({error}): delete it; what it describes counts as not done") from error


def read_headed(file: str | Path, kind: str, version: int, what: str, cure: str) -> dict:
    """Read a JSON file that begins with ``format`` and ``format_version``: a manifest, a result.

    Args:
        file: its path.
        kind: the ``format`` it must have.
        version: the ``format_version`` it must have.
        what: what such a file is called, with its article, for messages.
        cure: what to do about a damaged file or one of another format or version, for messages.

    Raises:
        ConfigError: it cannot be read, is not JSON, or has another format or version.
    """
    try:
        content = json.loads(read_text(file))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise ConfigError(f"{file}: not JSON ({error}); {cure}") from error
    if not isinstance(content, dict) or content.get("format") != kind:
        raise ConfigError(f'{file}: not {what}; expected "format": "{kind}"; {cure}')
    if content.get("format_version") != version:
        raise ConfigError(f"{file}: format_version = {content.get('format_version')!r}; this version reads {version}; {cure}")
    return content

"""The code that makes an embedding, as one hash."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from ...host import Host

OURS = Path(__file__).resolve().parents[2]
HOSTS = ("modeling", "data", "utils")  # what of a host's code can change an embedding; the rest scores or starts


@functools.cache
def code_hash(host: Host) -> str:
    """``sha256:<hex>`` of every Python file of this package and of the host's `HOSTS`: their names there and their bytes.

    Read once per process. The embedded host is part of this package. Whether the host's files are committed does not matter, nor
    where either lies.
    """
    folders = [(OURS, OURS), *((host.source, host.source / name) for name in HOSTS if host.name != "embedded")]
    digest = hashlib.sha256()
    for root, folder in folders:
        for file in sorted(folder.rglob("*.py")):
            content = file.read_bytes()
            digest.update(f"{file.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return f"sha256:{digest.hexdigest()}"

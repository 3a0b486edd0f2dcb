"""The first batches of a configuration as digests; also by itself, on another host: HOST OUTPUT YAML..."""

from __future__ import annotations

import hashlib
import json
import sys

from opengait_mimic import host as hosts
from tests.training.faults import model_of


def digests(files) -> list[str]:
    """Clips, frames and lengths of the first three raw batches of each."""
    found = []
    for file in files:
        for _, raw in zip(range(3), model_of(file).train_loader):
            text = json.dumps(raw, default=lambda value: value.tolist())
            found.append(hashlib.sha256(text.encode()).hexdigest())
    return found


if __name__ == "__main__":
    hosts.bind(sys.argv[1], "cpu", sys.argv[2])
    print(json.dumps(digests(sys.argv[3:])))
    hosts.leave()

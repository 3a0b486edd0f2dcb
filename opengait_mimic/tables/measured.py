"""What was measured, and figures of it."""

from __future__ import annotations

import numpy as np

from ..protocol import BOTH, OWN

Measured = dict  # (backbone as in file names, label) -> seed -> rows of `opengait_mimic.protocol.row`


def figures(measured: Measured, backbone: str, label: str, key: str, protocol: str = BOTH, gallery: str = OWN) -> dict[int, float]:
    """Seed -> one figure of a row."""
    found = {}
    for seed, rows in measured.get((backbone, label), {}).items():
        for row in rows:
            if (row["protocol"], row["gallery_embedder"]) == (protocol, gallery) and row[key] is not None:
                found[seed] = row[key]
    return found


def spread(values, digits: int, sign: str = "") -> str:
    """Mean ± standard deviation (ddof 1), the mean alone of one value, ``-`` of none."""
    values = list(values)
    deviation = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{signed(np.mean(values), digits, sign)}{deviation}" if values else "-"


def signed(value: float, digits: int, sign: str = "+") -> str:
    """A number with so many digits; one that rounds to 0 has no minus."""
    return f"{round(float(value), digits) + 0.0:{sign}.{digits}f}"

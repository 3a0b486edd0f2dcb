"""What the paper printed: MimicGait (WACV 2025), Tables 1, 3 and 4. Top and bottom, 40-60 % hidden, probes and gallery occluded."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """One row of a table: Rank-1 and Rank-5 in percent, and the relative performance at Rank-1 (None: not printed)."""

    rank1: float
    rank5: float
    rp_rank1: float | None = None


TABLES = {"main": "Table 1", "ablation": "Table 3", "ven": "Table 4"}

PRINTED: dict[tuple[str, str], dict[str, dict[str, Figure]]] = {  # (suite, backbone) -> data set -> label -> figures
    ("main", "GaitBase"): {
        "GREW": {
            "Baseline-1": Figure(14.85, 25.55, 0.27),
            "Baseline-2": Figure(16.42, 30.38, 0.30),
            "Occlusion Aware": Figure(22.55, 37.95, 0.41),
            "MimicGait": Figure(28.38, 45.43, 0.51),
        },
        "Gait3D": {
            "Baseline-1": Figure(7.60, 15.71, 0.11),
            "Baseline-2": Figure(17.12, 31.43, 0.24),
            "Occlusion Aware": Figure(18.22, 34.94, 0.26),
            "MimicGait": Figure(22.72, 40.84, 0.32),
        },
    },
    ("main", "GaitGL"): {
        "GREW": {
            "Baseline-1": Figure(3.60, 6.90, 0.10),
            "Baseline-2": Figure(6.30, 11.92, 0.17),
            "Occlusion Aware": Figure(7.05, 12.72, 0.19),
            "MimicGait": Figure(7.53, 13.97, 0.21),
        },
        "Gait3D": {
            "Baseline-1": Figure(3.00, 6.70, 0.11),
            "Baseline-2": Figure(4.40, 9.71, 0.16),
            "Occlusion Aware": Figure(4.80, 12.70, 0.18),
            "MimicGait": Figure(5.60, 13.50, 0.21),
        },
    },
    ("main", "DeepGaitV2"): {
        "GREW": {
            "Baseline-1": Figure(3.72, 6.85, 0.05),
            "Baseline-2": Figure(9.65, 16.20, 0.13),
            "Occlusion Aware": Figure(13.38, 22.87, 0.18),
            "MimicGait": Figure(14.38, 24.93, 0.20),
        },
        "Gait3D": {
            "Baseline-1": Figure(2.20, 6.21, 0.03),
            "Baseline-2": Figure(6.71, 14.21, 0.09),
            "Occlusion Aware": Figure(14.01, 27.83, 0.18),
            "MimicGait": Figure(16.82, 33.03, 0.22),
        },
    },
    ("ablation", "GaitBase"): {
        "GREW": {
            "No KD (Baseline-2)": Figure(16.42, 30.38),
            "L2 KD": Figure(20.43, 35.95),
            "MiCKD (vanilla mimic)": Figure(25.75, 42.20),
            "MiCKD + XE": Figure(20.22, 34.93),
        },
    },
    ("ven", "GaitBase"): {
        "GREW": {
            "Baseline-2": Figure(16.42, 30.38),
            "Occlusion Aware": Figure(22.55, 37.95),
            "VEN": Figure(23.52, 39.68),
            "Vanilla mimic": Figure(25.75, 42.20),
            "Mimic + Occlusion Aware": Figure(27.52, 44.15),
            "Mimic + VEN": Figure(28.38, 45.43),
        },
    },
}


def printed(suite: str, backbone: str) -> dict[str, dict[str, Figure]]:
    """Data set -> label -> figures; empty where the paper has no such table."""
    return PRINTED.get((suite, backbone), {})

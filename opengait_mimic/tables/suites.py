"""The suites: which networks make up a table, under which labels."""

from __future__ import annotations

from typing import NamedTuple


class Suite(NamedTuple):
    """One table.

    ``title``: what it compares. ``backbones``: those it is made for. ``rows``: label -> name in `NETS`, for each backbone.
    ``bases``: label -> label of the row it is compared with, where the paper has no figures; then no order is told. ``notes``: what
    a reader must know.
    """

    title: str
    backbones: tuple[str, ...]
    rows: dict[str, str]
    bases: dict[str, str] = {}
    notes: tuple[str, ...] = ()


def some(suite: Suite, labels) -> Suite:
    """A suite with some of its rows, and the comparisons among them."""
    rows = {label: name for label, name in suite.rows.items() if label in labels}
    return suite._replace(rows=rows, bases={label: base for label, base in suite.bases.items() if {label, base} <= rows.keys()})


COMPAT = {  # label -> (network, label of the row it departs from)
    "default": ("mimicgait", ""),
    "D1 rank: bare": ("bare", "default"),
    "D2 shared_draw in the test": ("shared", "default"),
    "D2 every subject shares": ("shared-subject", "default"),
    "D5 VEN input_255": ("input_255", "default"),
    "D6 VEN kept_amount": ("kept_amount", "default"),
    "D7 VEN trim_columns": ("trim_columns", "default"),
    "D16 VEN double_softmax": ("double_softmax", "default"),
    "D14 live_teacher": ("live_teacher", "default"),
    "D18 grey_whole": ("grey_whole", "default"),
    "D17 teacher_anchors": ("teacher_anchors", "default"),
    "1.4 l2_normalised": ("l2_normalised", "default"),
    "own_teacher pairs alone": ("own_teacher", "default"),
    "D22 relabel_by_position": ("relabel_by_position", "own_teacher pairs alone"),
    "64x64 everywhere": ("64x64", "default"),
    "D15 any_geometry": ("any_geometry", "64x64 everywhere"),
    "five kinds": ("five", ""),
    "D4 shared_draw in the test": ("five-shared", "five kinds"),
    "D10 moving: VEN, training and test": ("five-moving", "five kinds"),
    "D11 D12 sizes: VEN, training and test": ("five-sizes", "five kinds"),
    "all but D22": ("all", "default"),
}

SUITES = {
    "main": Suite(
        "methods under occlusion",
        ("gaitbase", "gaitgl", "deepgaitv2"),
        {"Baseline-1": "baseline1", "Baseline-2": "baseline2", "Occlusion Aware": "detector", "MimicGait": "mimicgait"},
        notes=("Table 1's columns for BRIAR, and its RP at Rank-5, are left out.",),
    ),
    "ablation": Suite(
        "what the mimic is trained by, without a VEN",
        ("gaitbase",),
        {
            "No KD (Baseline-2)": "baseline2",
            "L2 KD": "vanilla-l2",
            "MiCKD (vanilla mimic)": "vanilla",
            "MiCKD + XE": "vanilla-xe",
        },
    ),
    "ven": Suite(
        "what guides, with and without a teacher",
        ("gaitbase",),
        {
            "Baseline-2": "baseline2",
            "Occlusion Aware": "detector",
            "VEN": "occlusionaware",
            "Vanilla mimic": "vanilla",
            "Mimic + Occlusion Aware": "class-only",
            "Mimic + VEN": "mimicgait",
        },
    ),
    "compat": Suite(
        "the public code's departures, each switched on alone",
        ("gaitbase",),
        {label: net for label, (net, _) in COMPAT.items()},
        {label: base for label, (_, base) in COMPAT.items() if base},
        (
            "D2: neighbours of the test list share a draw, on 8 GPUs in pairs. On walkers one probe in 9 then shares it with a gallery"
            " clip, its own subject's; on GREW, two sequences a subject, every probe does. `every subject shares` gives all 12 sequences of"
            " a subject one draw, so that every probe shares it with every gallery clip of its subject.",
            "D10, D11 and D12 change what hides in the VEN's training, in the mimic's and in the test, all at once.",
            "D18 can change nothing on walkers: their silhouettes have no grey edges. D22 is right in one process, which this is; it also"
            " makes the subject's other clips negatives, which its base leaves out. D3 (shared_draw in training) needs sampling that is not"
            " fixed, so it has no row; the rest of trainer_cfg is as shipped.",
            "In `all but D22` D3, D4, D10, D11, D12 and D18 are on and do nothing: sampling is fixed, top and bottom alone are hidden,"
            " nothing is grey.",
        ),
    ),
}

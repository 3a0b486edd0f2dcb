"""Who is probe and who is gallery by a sequence's type: one rule per data set.

The facts are those of OpenGait's evaluation functions, whose numbers on whole bodies these protocols reproduce. CCPG's is its "Rank-1
(Exclude identical-view cases)", the mean over different views; its person re-identification numbers are not offered. SUSTech1K's
subset Occlusion is real occlusion. CASIA-E's view 270 is left out there. The cross-view gallery is that of
``evaluator_cfg.cross_view_gallery: true`` and of "A Comprehensive Study on the Evaluation of Silhouette-based Gait Recognition" (T-BIOM
2022).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Types = tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """How a data set is split by types.

    Args:
        name: the protocol's name, e.g. ``grew-local``.
        gallery: the gallery's types; a mapping where each subset has its own.
        probes: subset -> its types; None stands for every type but the gallery's.
        by_list: a list of the partition decides instead, entries ``label-type-view``: of PROBE_SET the rest is gallery, of GALLERY_SET
            the rest are probes; probes without a mate are then left out. Empty = none does.
        cross_view: Rank-k per pair of views, identical ones left out.
        by_probe_view: Rank-k per view of the probes against the whole gallery, without the probe's own subject at its own view.
        contains: a type is meant where its name contains one of the texts.
        view_until: views are compared by their text before the first of this; empty = as they are.
        without_views: views whose sequences take no part.
        overall: the subset whose scores are the total's; None = the mean over the subsets.
    """

    name: str
    gallery: Types | dict[str, Types] = ()
    probes: dict[str, Types | None] | None = None
    by_list: str = ""
    cross_view: bool = False
    by_probe_view: bool = False
    contains: bool = False
    view_until: str = ""
    without_views: Types = ()
    overall: str | None = None

    def sides(self, subset: str) -> tuple[Types | None, Types]:
        """The types of the probes (None: all but the gallery's) and of the gallery of a subset."""
        return self.probes[subset], self.gallery[subset] if isinstance(self.gallery, dict) else self.gallery

    def masks(self, types, views) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Subset -> probe mask and gallery mask of sequences of these types and views; not of a rule ``by_list``."""
        types, found = np.asarray(types, dtype=str), {}
        used = ~np.isin(np.asarray(views, dtype=str), self.without_views)
        for subset in self.probes:
            probe_types, gallery_types = self.sides(subset)
            gallery = self._match(types, gallery_types)
            probe = ~gallery if probe_types is None else self._match(types, probe_types)
            found[subset] = (probe & used, gallery & used)
        return found

    def _match(self, types, names):
        if not self.contains:
            return np.isin(types, names)
        return np.any([np.char.find(types, text) >= 0 for text in names], axis=0)

    def describe_side(self, subset: str, side: int) -> str:
        """For messages: which types a side (0 probe, 1 gallery) of a subset has."""
        if (types := self.sides(subset)[side]) is None:
            return "any type but " + ", ".join(self.sides(subset)[1])
        return ("types that contain " if self.contains else "") + ", ".join(types)


def _name_casia_e(scenes: tuple[str, ...], walk: str) -> Types:
    """CASIA-E's types of some scenes and one way to walk: two heights of the camera, two repetitions."""
    return tuple(f"{height}-{scene}-{walk}-{number}" for scene in scenes for height in "HL" for number in (1, 2))


PROTOCOLS = {
    "walkers": Rule("walkers", gallery=("nm-01",), probes={"all": None}),
    "GREW": Rule("grew-local", gallery=("01",), probes={"all": ("02",)}),
    "Gait3D": Rule("gait3d", by_list="PROBE_SET"),
    "FreeGait": Rule("freegait", by_list="PROBE_SET"),
    "CCGR-MINI": Rule("ccgr-mini", by_list="GALLERY_SET"),
    "CASIA-B": Rule(
        "casia-b",
        gallery=("nm-01", "nm-02", "nm-03", "nm-04"),
        probes={"NM": ("nm-05", "nm-06"), "BG": ("bg-01", "bg-02"), "CL": ("cl-01", "cl-02")},
        cross_view=True,
    ),
    "CASIA-E": Rule(
        "casia-e",
        gallery=_name_casia_e(("scene1",), "nm"),
        probes={walk.upper(): _name_casia_e(("scene2", "scene3", "scene3_s"), walk) for walk in ("nm", "bg", "cl")},
        cross_view=True,
        without_views=("270",),
    ),
    "OUMVLP": Rule("oumvlp", gallery=("01",), probes={"NM": ("00",)}, cross_view=True),
    "SUSTech1K": Rule(
        "sustech1k",
        gallery=("00-nm",),
        probes={
            **{"Normal": ("01-nm",), "Bag": ("bg",), "Clothing": ("cl",), "Carrying": ("cr",), "Umbrella": ("ub",)},
            **{"Uniform": ("uf",), "Occlusion": ("oc",), "Night": ("nt",), "Overall": ("01", "02", "03", "04")},
        },
        cross_view=True,
        contains=True,
        overall="Overall",
    ),
    "CCPG": Rule(
        "ccpg",
        gallery={"CL": ("U1_D1", "U2_D2", "U3_D3"), "UP": ("U0_D3",), "DN": ("U1_D1",), "BG": ("U0_D0",)},
        probes={"CL": ("U0_D0", "U0_D0_BG"), "UP": ("U3_D3",), "DN": ("U1_D0",), "BG": ("U0_D0_BG",)},
        cross_view=True,
        view_until="_",
    ),
}
"""Data set -> its rule."""

CROSS_VIEW_GALLERY = {
    "CASIA-B": Rule(
        "casia-b cross-view gallery",
        gallery=("nm-02", "bg-02", "cl-02"),
        probes={"NM": ("nm-01",), "BG": ("bg-01",), "CL": ("cl-01",)},
        by_probe_view=True,
    ),
    "OUMVLP": Rule("oumvlp cross-view gallery", gallery=("01",), probes={"NM": ("00",)}, by_probe_view=True),
}
"""Data set -> its rule under ``evaluator_cfg.cross_view_gallery: true``."""

EVALUATORS_BY_LIST = {"evaluate_Gait3D": "Gait3D", "evaluate_FreeGait": "FreeGait", "evaluate_CCGR_MINI": "CCGR-MINI"}
"""OpenGait's evaluation functions that go by a list of the partition, whatever the data set's name -> the data set whose rule that is."""

"""Relative performance RP = OP / HP."""

from __future__ import annotations

from typing import NamedTuple


class RelativePerformance(NamedTuple):
    """Outcome of ``relative_performance``: a ratio, or None together with the reason."""

    value: float | None
    reason: str | None


def relative_performance(op: float, hp: float | None) -> RelativePerformance:
    """Relative performance RP = OP / HP: what occlusion leaves of the whole-body score.

    Args:
        op: occluded performance, percent (0..100).
        hp: holistic performance of the backbone's teacher (Baseline-1) at the same k, percent (0..100); None = unknown.

    Returns:
        The ratio (1 = nothing lost), or None with the reason why there is none.

    Source:
        MimicGait (WACV 2025), Eq. 3.

    Example:
        >>> relative_performance(30.0, 60.0)
        RelativePerformance(value=0.5, reason=None)
    """
    if hp is None:
        return RelativePerformance(None, "no holistic score of the backbone's teacher (Baseline-1) was given")
    if hp == 0:
        return RelativePerformance(None, "the holistic score of the backbone's teacher (Baseline-1) is 0")
    return RelativePerformance(op / hp, None)

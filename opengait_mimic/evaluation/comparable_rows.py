"""Whether two rows are comparable: in one ratio (RP) or one difference."""

from __future__ import annotations

FACTS = {
    "dataset": "data set",
    "protocol_name": "protocol",
    "protocol_hash": "content of the protocol",
    "metric": "metric",
    "data": "test data (fingerprint)",
    "backbone": "backbone",
    "backbone_cfg": "the backbone's model_cfg",
    "post": "post-processing",
}
"""Keys of a row that must be equal -> their names in messages. `list_differences` checks seeds and draws too."""


def list_differences(own: dict, other: dict) -> list[str]:
    """In what two rows differ that must be alike before one is divided by, or compared with, the other.

    Equal must be the keys of `FACTS`; and every seed of the first one's draws must be among the second's (``seeds``), so that both
    were measured in the same job. Where both are of one condition's name, it must hide the same (``hidden_by``). Pictures, dates,
    versions and machines may differ, and so may the pairs of verification: no Rank-k depends on them.

    Args:
        own: a row of `opengait_mimic.evaluation.evaluate`.
        other: another row, from which HP (or a difference) is taken from.

    Returns:
        A phrase for each difference, with both values; empty where they are comparable. A fact that one of them does not state
        counts as different.

    Source:
        MimicGait (WACV 2025), Eq. 3: RP divides scores of one backbone on one test.

    Example:
        >>> same = {**dict.fromkeys(FACTS, "x"), "seeds": [0]}
        >>> unlike({**same, "backbone": "GaitBase"}, {**same, "backbone": "GaitGL"})
        ['backbone: GaitBase here, GaitGL there']
    """
    differ = [key for key in FACTS if own.get(key) is None or own[key] != other.get(key)]
    found = [f"{FACTS[key]}: {_short(own.get(key))} here, {_short(other.get(key))} there" for key in differ]
    if own.get("condition") is not None and own["condition"] == other.get("condition") and own.get("hidden_by") != other.get("hidden_by"):
        found.append(f"draws of {own['condition']}: {_short(own.get('hidden_by'))} here, {_short(other.get('hidden_by'))} there")
    missing = [seed for seed in own.get("seeds") or [] if seed not in (other.get("seeds") or [])]
    if missing or not own.get("seeds"):
        found.append(f"seeds: {_listed(own)} here, {_listed(other)} there")
    return found


def _listed(row):
    return ", ".join(map(str, row.get("seeds") or [])) or "none"


def _short(value) -> str:
    """A hash by its first digits."""
    return "not known" if value is None else value[:19] if isinstance(value, str) and value.startswith("sha256:") else str(value)

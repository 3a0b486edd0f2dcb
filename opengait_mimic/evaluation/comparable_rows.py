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
    """In what two rows differ that must be alike before one is divided by the other.

    Equal must be the keys of `FACTS`. Every seed of ``own`` must be among the other's ``seeds``. Two conditions of one name must hide the
    same (``hidden_by``). Pairs of verification may differ: no Rank-k depends on them.

    Args:
        own: a row of `opengait_mimic.evaluation.evaluate`.
        other: the row from which HP is taken.

    Returns:
        A phrase for each difference, with both values. A fact that one row does not state counts as different.

    Source:
        MimicGait (WACV 2025), Eq. 3: RP divides scores of one backbone on one test.

    Example:
        >>> same = {**dict.fromkeys(FACTS, "x"), "seeds": [0]}
        >>> list_differences({**same, "backbone": "GaitBase"}, {**same, "backbone": "GaitGL"})
        ['backbone: GaitBase here, GaitGL there']
    """
    named = {key: name for key, name in FACTS.items() if own.get(key) is None or own[key] != other.get(key)}
    if own.get("condition") and own["condition"] == other.get("condition") and own.get("hidden_by") != other.get("hidden_by"):
        named["hidden_by"] = f"draws of {own['condition']}"
    found = [f"{name}: {_short(own.get(key))} here, {_short(other.get(key))} there" for key, name in named.items()]
    ours, theirs = own.get("seeds") or [], other.get("seeds") or []
    if not ours or not set(ours) <= set(theirs):
        found.append(f"seeds: {', '.join(map(str, ours)) or 'none'} here, {', '.join(map(str, theirs)) or 'none'} there")
    return found


def _short(value) -> str:
    """A hash by its first digits."""
    text = "not known" if value is None else str(value)
    return text[:19] if text.startswith("sha256:") else text

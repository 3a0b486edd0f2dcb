"""Whatever YAML can say, for the property tests."""

from __future__ import annotations

import datetime

from hypothesis import strategies as st

odd_text = st.sampled_from(
    ["", "auto", "all", "null", "1e-4", "true", "none", "top", "both", "your_path", "..", "a: b", "\x7f", "\u2028", "é"]
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.integers(-3, 70),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(0, 1),
    odd_text,
    st.text(alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=8),
    st.dates(),
    st.datetimes(timezones=st.just(datetime.timezone.utc)),
    st.binary(max_size=4),
)
keys = st.one_of(
    st.text(max_size=6, alphabet="abcdefgh.[]_ "), st.integers(-2, 5), st.booleans(), st.none(), st.floats(allow_nan=False), st.dates()
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4), st.sets(st.integers(0, 3), max_size=2)),
    max_leaves=8,
)
"""Any value that ``yaml.safe_load`` may return."""


def paths(tree, path=()):
    """The path of every value of a tree of mappings and lists, the whole left out."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield (*path, key)
        yield from paths(value, (*path, key))


def put(tree, path, value) -> None:
    """Replace the value at a path."""
    *above, last = path
    for step in above:
        tree = tree[step]
    tree[last] = value


@st.composite
def turned(draw, tree):
    """A tree with the keys of every mapping in another order."""
    if isinstance(tree, dict):
        return {key: draw(turned(tree[key])) for key in draw(st.permutations(list(tree)))}
    return [draw(turned(each)) for each in tree] if isinstance(tree, list) else tree

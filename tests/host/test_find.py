"""Which host is chosen, and what is said when there is none."""

from __future__ import annotations

import subprocess

import pytest

from opengait_mimic.base.errors import HostError
from opengait_mimic.host.find import EMBEDDED, MARKERS, find, missing_markers


@pytest.fixture()
def make(tmp_path):
    """Makes a folder that looks like a checkout."""

    def at(name, without=()):
        root = tmp_path / name
        for marker in MARKERS:
            if marker not in without:
                (root / marker).parent.mkdir(parents=True, exist_ok=True)
                (root / marker).touch()
        root.mkdir(exist_ok=True)
        return root

    return at


@pytest.fixture()
def places(make, tmp_path, monkeypatch):
    """A checkout in every place that is looked at, in the order of precedence."""
    spec, variable, parent, cache = make("spec"), make("variable"), make("parent"), make("cache/opengait_mimic/OpenGait")
    (parent / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(parent / "deep" / "er")
    monkeypatch.setenv("OPENGAIT_ROOT", str(variable))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return spec, variable, parent, cache


def test_precedence(places, tmp_path, monkeypatch):
    """Each place in turn, by taking away the one before it."""
    spec, variable, parent, cache = places
    assert find(spec).root == spec
    assert find("embedded").name == "embedded"
    assert find().root == variable
    monkeypatch.delenv("OPENGAIT_ROOT")
    assert find().root == parent
    monkeypatch.chdir(tmp_path)
    assert find().root == cache
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    assert find().name == "embedded"
    assert find().root == find().source == EMBEDDED


def test_the_working_folder_itself_and_the_nearest_parent(make, monkeypatch):
    monkeypatch.delenv("OPENGAIT_ROOT", raising=False)
    outer, inner = make("outer"), make("outer/inner")
    monkeypatch.chdir(inner)
    assert find().root == inner
    monkeypatch.chdir(outer)
    assert find().root == outer


@pytest.mark.parametrize("marker", MARKERS)
def test_a_half_checkout_is_named_by_what_it_lacks(make, tmp_path, monkeypatch, marker):
    root = make("half", without=[marker])
    assert missing_markers(root) == [marker]
    with pytest.raises(HostError, match=rf"half \(--host\) is not an OpenGait checkout: {marker} not found there.*git clone") as caught:
        find(root)
    assert not any(other in str(caught.value) for other in MARKERS if other != marker)
    monkeypatch.setenv("OPENGAIT_ROOT", str(root))
    with pytest.raises(HostError, match=rf"half \(OPENGAIT_ROOT\) is not an OpenGait checkout: {marker}"):
        find()
    # a place that nobody named is passed over in silence
    monkeypatch.delenv("OPENGAIT_ROOT")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    monkeypatch.chdir(root)
    assert find().name == "embedded"


def test_commit_is_the_checkouts_own(make):
    root = make("spec")
    assert "unknown" in find(root).commit
    git = ["git", "-C", str(root), "-c", "user.name=n", "-c", "user.email=e"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run(git + words, check=True)
    wanted = subprocess.run(git + ["rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
    assert wanted.startswith(find(root).commit) and len(find(root).commit) >= 7
    inside = make("spec/inside")  # the outer repository's commit says nothing about this one
    assert "unknown" in find(inside).commit

"""Draws against SHA-256 redone by hand, and the YAML block they are read from."""

from __future__ import annotations

import hashlib
import random

import numpy as np
import pytest
import torch

from opengait_mimic import Draw, Occlusion, draw
from opengait_mimic.base.errors import ConfigError
from opengait_mimic.occlusion import test_key, training_key, uniforms

PAPER = Occlusion({"none": 0.2, "bottom": 0.4, "top": 0.4}, (0.4, 0.6))


# ---------------------------------------------------------------- draws


def by_hand(key, i) -> float:
    """Uniform i of a key, from the documentation: the first 53 of the digest's 256 bits."""
    message = "\x1f".join([*[str(part) for part in key], str(i)])
    bits = f"{int(hashlib.sha256(message.encode('utf-8')).hexdigest(), 16):0256b}"
    return int(bits[:53], 2) / 2**53


@pytest.mark.parametrize("key", [("test", 0, "top"), ("train", 3, 17, 2), ("步態", "é", "")])
def test_uniforms_are_sha256_of_the_key(key):
    assert uniforms(key, 5) == [by_hand(key, i) for i in range(5)]
    assert [round(u, 6) for u in uniforms(("test", 0, "top"), 2)] == [0.610189, 0.76952], "the docstring's example"


def test_a_draw_follows_the_documented_uniforms():
    for i in range(300):
        key = ("test", 0, "bottom+top", "walkers", f"{i:03d}", "nm-01", "090")
        pick, place = by_hand(key, 0), by_hand(key, 1)
        kind = "none" if pick < 0.2 else "bottom" if pick < 0.2 + 0.4 else "top"
        found = draw(PAPER, key)
        assert found.kind == kind
        assert found.hidden == pytest.approx(0.0 if kind == "none" else 0.4 + 0.2 * place, abs=1e-15)


def test_draws_do_not_depend_on_order_or_on_generators():
    keys = [training_key(3, iteration, position) for iteration in range(20) for position in range(8)]
    first = {key: draw(PAPER, key) for key in keys}
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    shuffled = sorted(keys, key=lambda key: hashlib.md5(str(key).encode()).digest())
    assert {key: draw(PAPER, key) for key in shuffled} == first and shuffled != keys
    assert before == (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    assert len(set(first.values())) > 100


def test_probabilities_a_hair_below_one_still_draw():
    thin = Occlusion({"none": 0.0, "bottom": 0.0, "top": 1e-9}, (0.5, 0.5))  # nearly every uniform lies above the sum
    assert {draw(thin, ("k", i)) for i in range(50)} == {Draw("top", 0.5)}


def test_keys_name_every_field():
    assert training_key(1, 2, 3) == ("train", 1, 2, 3)
    assert test_key(1, "top", "CASIA-B", "075", "nm-05", "090") == ("test", 1, "top", "CASIA-B", "075", "nm-05", "090")


# ---------------------------------------------------------------- the YAML block


def test_from_cfg_defaults_and_order():
    assert Occlusion.from_cfg({}, "a") == Occlusion({"bottom": 0.5, "top": 0.5}, (0.4, 0.6)) == Occlusion.from_cfg(None, "a")
    found = Occlusion.from_cfg({"kinds": {"top": 0.3, "none": 0.1, "bottom": 0.6}, "hidden": [0.01, 0.95]}, "a")
    assert list(found.kinds.items()) == [("none", 0.1), ("bottom", 0.6), ("top", 0.3)] and found.hidden == (0.01, 0.95)


def test_condition_names_the_kinds_that_hide():
    names = {"bottom+top": {"top": 0.5, "bottom": 0.5}, "none": {"none": 1}, "bottom": {"top": 0, "bottom": 0.9, "none": 0.1}}
    for name, kinds in names.items():
        assert Occlusion.from_cfg({"kinds": kinds}, "a").condition == name
        assert Occlusion.from_cfg({"kinds": kinds, "hidden": [0.1, 0.2]}, "a").condition == name


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"kinds": {"botom": 1}},
            r"^trainer_cfg\.occlusion\.kinds\.botom: unknown key \(did you mean 'bottom'\?\); allowed: \['bottom', 'middle'",
        ),
        ({"speed": [1.0, 0.5]}, r"^trainer_cfg\.occlusion\.speed = \[1\.0, 0\.5\]; expected \[lowest, highest\]$"),
        ({"kinds": {"top": 0.5, "bottom": 0.4}}, r"^trainer_cfg\.occlusion\.kinds = .* add up to 0\.9; they must add up to 1"),
        (
            {"kinds": {}},
            r"^trainer_cfg\.occlusion\.kinds = \{\}; expected a mapping kind: probability of none, bottom, top, middle, patch, pole$",
        ),
        ({"hidden": [0.6, 0.4]}, r"^trainer_cfg\.occlusion\.hidden = \[0\.6, 0\.4\]; expected \[lowest, highest\]$"),
    ],
)
def test_from_cfg_messages(given, message):
    with pytest.raises(ConfigError, match=message):
        Occlusion.from_cfg(given, "trainer_cfg.occlusion")

"""YAML text: what cannot be read is refused with its reason, and what is read otherwise than meant is found."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.base.yaml_text import find_slips, parse
from tests.yaml_values import paths

REFUSED = [
    ("a: 2024-02-31", "day is out of range"),
    ("a: !!int x", "invalid literal"),
    ("a: !!bool maybe", "maybe"),
    ("a: {b: &x {c: *x}}", "an alias inside its own anchor"),
    ("[" * 600, "nested too deep"),
    ("a: {on: 1}", "a.True: this key is read as true or false, not as text; put it in quotes"),
    ("a: [{2: 1}]", "a[0].2: this key is read as a number"),
    ("2024-01-01: 1", "2024-01-01: this key is read as a date"),
    ("a: {{b: 1}: 2}", "unhashable"),
    ("a: !!python/name:os.system", "could not determine a constructor"),
    ("a: *b", "undefined alias"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_read_is_refused_with_its_reason(text, message):
    with pytest.raises(ConfigError) as error:
        parse(text)
    assert message in str(error.value)


@settings(max_examples=150)
@given(st.text(alphabet="ab1:-[]{}&*!?|>'\"#%~<,. \n\t\x00", max_size=24))
def test_any_text_is_yaml_with_text_keys_or_refused(text):
    try:
        document = parse(text)
    except ConfigError:
        return
    assert document == yaml.safe_load(text)
    assert all(isinstance(step, (str, int)) and not isinstance(step, bool) for path in paths(document) for step in path)


@given(st.from_regex(r"[-+]?[0-9]{1,3}(\.[0-9]{0,3})?[eE][-+]?[0-9]{1,2}", fullmatch=True))
def test_a_number_that_yaml_reads_as_text_is_found_with_a_spelling_that_works(value):
    slips = find_slips(f"block: [{{lr: {value}, quoted: '{value}'}}]")
    if isinstance(yaml.safe_load(value), float):
        assert slips == []
        return
    (slip,) = slips
    assert slip.key == "block[0].lr" and slip.message.startswith(f"block[0].lr = {value!r} in line 1; ")
    spelling = yaml.safe_load(slip.message.rpartition("write ")[2])
    assert isinstance(spelling, float) and spelling == float(value)


WORDS = {"a: None": "null", "a: False,": "False", "a: euc,\nb: 1": "euc", "a: [b, None]": "null", "a: 1e-3,": "1.0e-3"}


@pytest.mark.parametrize(("text", "meant"), WORDS.items())
def test_a_word_that_yaml_reads_as_text_is_found(text, meant):
    (slip,) = find_slips(text)
    assert slip.is_text and slip.message.endswith(f"in line 1; YAML reads this as text: write {meant}")


@pytest.mark.parametrize("text", ["a: null", "a: 'None'", "a: {b: 1,}", "a: [1, 2,]", "a: False # None", "a: no one, no place"])
def test_other_words_are_no_slips(text):
    assert find_slips(text) == []


def test_a_key_given_twice_but_no_alias_and_no_merged_block():
    assert find_slips("a: &it {x: 1, y: 2}\nb: *it\nc: {<<: *it, x: 3}\nd: [*it, *it]\n") == []
    assert [slip.message for slip in find_slips("a:\n- b: {x: 1,\n   x: 2}\n")] == ["a[0].b.x: given twice, in line 2 and line 3; keep one"]

"""What the public data sets hold, as far as it is published; every figure with its source."""

from __future__ import annotations

from typing import NamedTuple


class Total(NamedTuple):
    """A data set's identities in the two halves of OpenGait's partition, and what is known of its sequences.

    ``each``: sequences of one identity at most, as its types and views multiply out. ``at_least``, ``at_most``: of all together.
    """

    train: int
    test: int
    each: int | None = None
    at_least: int | None = None
    at_most: int | None = None
    source: str = ""


# Identities: the lists TRAIN_SET and TEST_SET in OpenGait's datasets/<name>/<name>.json, counted.
TOTALS = {
    "CASIA-B": Total(
        74, 50, each=110, at_most=13640, source="10 types (6 nm, 2 bg, 2 cl) at 11 views from 000 to 180 (Yu et al., ICPR 2006)"
    ),
    "OUMVLP": Total(
        5153, 5154, each=28, at_most=288596, source="2 sequences at 14 views (am.sanken.osaka-u.ac.jp/BiometricDB/GaitLPPose.html)"
    ),
    "GREW": Total(20000, 6001, source="20000 and 6000 identities; the folder `probe` is the last of the 6001"),
    "Gait3D": Total(3000, 1000, at_least=25000, source="4,000 subjects and over 25,000 sequences (Zheng et al., CVPR 2022, abstract)"),
    "SUSTech1K": Total(250, 800, at_least=25239, source="25,239 sequences from 1,050 subjects (Shen et al., CVPR 2023, abstract)"),
    "CCPG": Total(100, 100, source="200 identities (Li et al., CVPR 2023)"),
}


def known(name: str | None) -> str | None:
    """The data set that a name means, whatever its capitals and hyphens: ``casiab`` is ``CASIA-B``."""
    return {plain(key): key for key in TOTALS}.get(plain(name or ""))


def plain(name: str) -> str:
    """The letters and digits of a name, small."""
    return "".join(character for character in name.lower() if character.isalnum())


def departures(name: str, labels: set[str], per_label: dict[str, int], train: list, test: list) -> list[tuple[str, str]]:
    """Where counts differ from what is published: (what it is about, text), none where nothing is known to differ.

    Args:
        name: a key of `TOTALS`.
        labels: identities with a sequence on disk.
        per_label: sequences of each.
        train, test: the partition's halves; empty lists where there is none.
    """
    total, found = TOTALS[name], []
    for half, given, wanted in (("TRAIN_SET", train, total.train), ("TEST_SET", test, total.test)):
        if given and len(given) != wanted:
            found.append((half, f"{len(given)} identities in the partition, OpenGait's has {wanted}"))
    wanted, sequences = total.train + total.test, sum(per_label.values())
    if len(labels) < wanted:
        found.append(("identities", f"{len(labels)} of {wanted} have a sequence here"))
    if total.at_least and sequences < total.at_least:
        found.append(("sequences", f"{sequences}, published are {total.source}"))
    if total.at_most and sequences > total.at_most:
        found.append(("sequences", f"{sequences}, at most {total.at_most} can be: {total.source}"))
    if total.each:
        short = sum(count < total.each for count in per_label.values())
        if short:
            missing = total.each * len(per_label) - sequences
            found.append(("sequences", f"{short} identities lack some of their {total.each}, {missing} in all: {total.source}"))
    return found

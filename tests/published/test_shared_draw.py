"""`SharedDraw` against the public host's sampler redone as lists of clips."""

from __future__ import annotations

import math

import pytest

from opengait_mimic.occlusion import test_key
from opengait_mimic.published.one_draw_per_batch import SharedDraw

GREW = [(f"{identity:05d}", sequence) for identity in range(6000) for sequence in ("01", "02")]  # the local protocol's test list


def arrays(count: int, processes: int, batch: int) -> list[list[int]]:
    """What the transform is given in the test, call by call: the list, padded by its start, in blocks of batch / processes."""
    order = list(range(count))
    order += order[: math.ceil(count / batch) * batch - count]
    share = batch // processes
    return [order[i : i + share] for i in range(0, len(order), share)]


def paired(processes: int, batch: int) -> set[bool]:
    """Whether a probe shares its draw with its own gallery mate: once for each pair."""
    groups = SharedDraw(processes, batch)
    of = {clip: groups.group(i, training=False) for i, clip in enumerate(GREW)}
    return {of[name, "01"] == of[name, "02"] for name, _ in GREW}


@pytest.mark.parametrize("processes", [1, 2, 4, 8])
def test_with_up_to_8_processes_every_probe_shares_its_gallery_mates_draw(processes):
    assert paired(processes, 16) == {True}


def test_with_16_processes_none_does():
    assert paired(16, 16) == {False}


@pytest.mark.parametrize(("processes", "batch"), [(1, 16), (2, 16), (8, 16), (16, 16), (3, 12)])
@pytest.mark.parametrize("count", [96, 101])
def test_test_groups_are_the_samplers_blocks(processes, batch, count):
    groups = SharedDraw(processes, batch)
    for index, block in enumerate(arrays(count, processes, batch)):
        for place, position in enumerate(block):
            if index * len(block) + place < count:  # the padding is dropped
                assert groups.group(position, training=False) == index
                assert list(groups.earlier(position, training=False)) == block[:place]


@pytest.mark.parametrize(("processes", "clips"), [(8, 32), (1, 8), (3, 8), (16, 8)])
def test_training_groups_are_the_clips_of_a_process(processes, clips):
    groups = SharedDraw(processes, processes)
    for rank in range(processes):
        held = list(range(clips))[rank::processes]
        for place, position in enumerate(held):
            assert groups.group(position, training=True) == rank
            assert list(groups.earlier(position, training=True)) == held[:place]


def test_a_groups_key_is_no_clips():
    key = SharedDraw(8, 16).test_key(1, "top", "GREW", 14)
    assert key == ("test", 1, "top", "GREW", "group", 7) and key != test_key(1, "top", "GREW", "group", "7", "")

"""Data set, samplers and collation: properties, and clear words for bad input."""

from __future__ import annotations

import json
import pickle
from collections import Counter

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("embedded")


class Toy:
    """What a sampler needs of a data set."""

    def __init__(self, counts):
        self.label_set = sorted(counts)
        self.indices_dict, self.label_of = {}, []
        for label in self.label_set:
            self.indices_dict[label] = list(range(len(self.label_of), len(self.label_of) + counts[label]))
            self.label_of += [label] * counts[label]

    def __len__(self):
        return len(self.label_of)


# ---------------------------------------------------------------- data set


def test_dataset_lists_one_half_of_the_partition(cfgs):
    from data.dataset import DataSet

    train, test = DataSet(cfgs["data_cfg"], True), DataSet(cfgs["data_cfg"], False)
    assert train.label_set == ["CASIA-B-001", "CASIA-B-002", "CASIA-B-003"] and test.label_set == ["101", "102", "103"]
    assert len(test) == 12 and test.types_set == ["nm-01", "nm-05"] and test.views_set == ["000", "090"]
    assert [test.label_list[i] for i in test.indices_dict["102"]] == ["102"] * 4
    inputs, (label, typ, view, paths) = test[5]
    assert (label, typ, view) == ("102", "nm-01", "090") and paths[0].endswith("102/nm-01/090/090.pkl")
    with open(paths[0], "rb") as stream:
        assert np.array_equal(inputs[0], pickle.load(stream))


def test_dataset_caches_all_sequences(cfgs, monkeypatch):
    from data.dataset import DataSet

    plain = DataSet(cfgs["data_cfg"], False)
    cached = DataSet({**cfgs["data_cfg"], "cache": True}, False)
    expected = [inputs[0].sum() for inputs, _ in plain]
    monkeypatch.setattr(pickle, "load", None)
    assert [cached[i][0][0].sum() for i in range(len(cached))] == expected


def test_dataset_leaves_out_ids_that_are_not_there(cfgs, tmp_path):
    from data.dataset import DataSet

    partition = tmp_path / "p.json"
    partition.write_text(json.dumps({"TRAIN_SET": [], "TEST_SET": ["101"] + [f"9{i:02d}" for i in range(20)]}))
    dataset = DataSet({**cfgs["data_cfg"], "dataset_partition": str(partition)}, False)
    assert dataset.label_set == ["101"]
    with pytest.raises(ValueError, match="no sequence of TRAIN_SET.*dataset_root.*dataset_partition"):
        DataSet({**cfgs["data_cfg"], "dataset_partition": str(partition)}, True)


@pytest.mark.parametrize("key", ["dataset_root", "dataset_partition"])
def test_dataset_names_the_path_that_does_not_exist(cfgs, key):
    from data.dataset import DataSet

    with pytest.raises(FileNotFoundError, match=f"data_cfg.{key} = nowhere"):
        DataSet({**cfgs["data_cfg"], key: "nowhere"}, True)


def write_sequences(folder, frames):
    place = folder / "a" / "nm-01" / "000"
    place.mkdir(parents=True)
    for name, count in frames.items():
        (place / name).write_bytes(pickle.dumps(np.full((count, 4, 4), len(name), np.uint8)))
    (folder / "p.json").write_text(json.dumps({"TRAIN_SET": [], "TEST_SET": ["a"]}))
    return {"dataset_name": "X", "dataset_root": str(folder), "dataset_partition": str(folder / "p.json")}


def test_dataset_refuses_inputs_of_two_lengths_and_other_files(tmp_path):
    from data.dataset import DataSet

    errors = (ValueError, RuntimeError)  # the second from `opengait_mimic.host.read_pickles`, if a host is bound
    with pytest.raises(errors, match=r"b\.pkl: 2 frames, but .*a\.pkl next to it has 3|frames: a\.pkl 3, b\.pkl 2"):
        DataSet(write_sequences(tmp_path / "2", {"a.pkl": 3, "b.pkl": 2}), False)[0]
    with pytest.raises(errors, match=r"a\.npy: only \.pkl|1 file such as a\.npy"):
        DataSet(write_sequences(tmp_path / "3", {"a.npy": 3}), False)[0]


@pytest.mark.parametrize("use, names", [([True, False, True], [5, 7]), ([2, 0], [7, 5]), (None, [5, 6, 7])])
def test_data_in_use_chooses_the_files_of_a_sequence(tmp_path, use, names):
    from data.dataset import DataSet

    cfg = write_sequences(tmp_path, {"a.pkl": 2, "bb.pkl": 2, "ccc.pkl": 2})
    inputs, _ = DataSet({**cfg, "data_in_use": use}, False)[0]
    assert [frames[0, 0, 0] for frames in inputs] == names


# ---------------------------------------------------------------- samplers


@pytest.mark.parametrize("shuffle", [False, True])
def test_triplet_sampler_gives_p_subjects_with_k_clips(shuffle):
    from data.sampler import TripletSampler

    toy = Toy({"a": 5, "b": 2, "c": 4, "d": 7})
    batches = iter(TripletSampler(toy, [3, 4], batch_shuffle=shuffle))
    seen, blocks = set(), []
    for _ in range(50):
        batch = next(batches)
        labels = [toy.label_of[i] for i in batch]
        assert sorted(Counter(labels).values()) == [4, 4, 4]
        for label in set(labels):
            if label != "b":  # fewer than K clips: repeated
                assert len({i for i in batch if toy.label_of[i] == label}) == 4
        blocks.append(all(len(set(labels[j : j + 4])) == 1 for j in (0, 4, 8)))
        seen.update(batch)
    assert seen == set(range(18))
    assert all(blocks) is not shuffle


def test_triplet_sampler_deals_positions_round_robin(monkeypatch):
    import torch
    from data import sampler

    toy, dealt = Toy({"a": 5, "b": 5, "c": 5}), []
    torch.manual_seed(3)
    whole = next(iter(sampler.TripletSampler(toy, [2, 3], batch_shuffle=True)))
    monkeypatch.setattr(sampler, "get_world_size", lambda: 2)
    monkeypatch.setattr(sampler, "_agree", lambda numbers: numbers)
    for rank in (0, 1):
        torch.manual_seed(3)
        monkeypatch.setattr(sampler, "get_rank", lambda rank=rank: rank)
        dealt.append(next(iter(sampler.TripletSampler(toy, [2, 3], batch_shuffle=True))))
    assert dealt == [whole[0::2], whole[1::2]]


def test_triplet_sampler_refuses_what_cannot_work():
    from data.sampler import TripletSampler

    toy = Toy({"a": 5, "b": 5})
    with pytest.raises(ValueError, match="asks for 3 subjects.*has 2"):
        TripletSampler(toy, [3, 2])
    with pytest.raises(ValueError, match=r"batch_size = 8; TripletSampler takes \[P, K\]"):
        TripletSampler(toy, 8)


@pytest.mark.parametrize("size, batch, world", [(7, 1, 1), (7, 4, 2), (8, 4, 4), (3, 8, 2)])
def test_inference_sampler_covers_all_in_order(monkeypatch, size, batch, world):
    from data import sampler

    monkeypatch.setattr(sampler, "get_world_size", lambda: world)
    ranks = []
    for rank in range(world):
        monkeypatch.setattr(sampler, "get_rank", lambda rank=rank: rank)
        ranks.append(list(sampler.InferenceSampler(Toy({"a": size}), batch)))
        assert len(sampler.InferenceSampler(Toy({"a": size}), batch)) == size
    joined = [i for step in zip(*ranks) for block in step for i in block]
    assert joined[:size] == list(range(size)) and len(joined) % batch == 0
    assert joined[size:] == [i % size for i in range(len(joined) - size)]


def test_inference_sampler_refuses_an_uneven_batch(monkeypatch):
    from data import sampler

    monkeypatch.setattr(sampler, "get_world_size", lambda: 2)
    with pytest.raises(ValueError, match="batch_size = 3 is not divisible by 2"):
        sampler.InferenceSampler(Toy({"a": 5}), 3)


# ---------------------------------------------------------------- collation


def batch_of(lengths):
    """Sequences whose frames carry their own position; the second input is the first + 100."""
    items = []
    for i, length in enumerate(lengths):
        frames = np.arange(length, dtype=np.uint8)[:, None, None] + np.zeros((1, 2, 2), np.uint8)
        items.append(([frames, frames + 100], ["ab"[i % 2], f"t{i}", f"v{i}", []]))
    return items


@pytest.mark.parametrize("order", ["ordered", "unordered"])
@pytest.mark.parametrize("kind", ["fixed", "unfixed", "all"])
def test_collate_draws_frames(kind, order):
    from data.collate_fn import CollateFn

    cfg = {"sample_type": f"{kind}_{order}", "frames_num_fixed": 5, "frames_num_min": 3, "frames_num_max": 6}
    collate = CollateFn(["a", "b"], {**cfg, "frames_skip_num": 2})
    lengths, counts, firsts = [4, 9, 30], set(), set()
    for _ in range(40):
        inputs, labs, typs, vies, seqL = collate(batch_of(lengths))
        assert labs == [0, 1, 0] and typs == ["t0", "t1", "t2"] and vies == ["v0", "v1", "v2"]
        if kind == "fixed":
            assert seqL is None and [len(clip) for clip in inputs[0]] == [5, 5, 5]
            clips, others = inputs
        else:
            assert len(inputs[0]) == 1 and seqL.shape == (1, 3) and seqL.sum() == len(inputs[0][0])
            clips, others = (np.split(packed[0], np.cumsum(seqL[0])[:-1]) for packed in inputs)
        for clip, other, length in zip(clips, others, lengths):
            drawn = clip[:, 0, 0].astype(int)
            assert np.array_equal(other[:, 0, 0], drawn + 100) and drawn.max() < length
            counts.add(len(drawn))
            if length == 30:
                firsts.add(drawn[0])
            if kind == "all":
                assert drawn.tolist() == list(range(length))
            elif order == "ordered" and length > 8:  # within a window of count + skip
                assert (np.diff(drawn) > 0).all() and drawn[-1] - drawn[0] < len(drawn) + 2
            elif order == "ordered":  # the sequence repeated: order kept round the end
                assert (np.diff(drawn) % length <= 3).all()
            elif len(drawn) <= length:
                assert len(set(drawn)) == len(drawn)
    assert counts == {"fixed": {5}, "unfixed": {3, 4, 5, 6}, "all": set(lengths)}[kind]
    assert (len(firsts) == 1) is (kind == "all")


def test_collate_cuts_long_clips():
    from data.collate_fn import CollateFn

    collate = CollateFn(["a", "b"], {"sample_type": "all_ordered", "frames_all_limit": 6})
    inputs, _, _, _, seqL = collate(batch_of([4, 9]))
    assert seqL.tolist() == [[4, 6]] and inputs[0][0][:, 0, 0].tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 4, 5]


def test_collate_names_what_is_wrong():
    from data.collate_fn import CollateFn

    with pytest.raises(ValueError, match="'some_ordered'; allowed: fixed, unfixed or all"):
        CollateFn([], {"sample_type": "some_ordered"})
    with pytest.raises(KeyError, match="frames_skip_num"):
        CollateFn([], {"sample_type": "fixed_ordered", "frames_num_fixed": 3})

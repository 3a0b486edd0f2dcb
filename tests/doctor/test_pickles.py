"""Pickles of arrays are read as `pickle.load` reads them, bit for bit; anything else is refused, and nothing in it is run."""

from __future__ import annotations

import io
import pickle
import struct
from collections import Counter

import numpy as np
import pytest

from opengait_mimic.doctor.errors import PickleError
from opengait_mimic.doctor.layouts import array_of
from opengait_mimic.doctor.machine import Machine
from opengait_mimic.doctor.pickles import content, load

PROTOCOLS = (2, 3, 4, 5)
SILS = np.arange(2 * 3 * 4, dtype="uint8").reshape(2, 3, 4)


def read(data: bytes):
    return load(io.BytesIO(data))


def refused(data: bytes) -> PickleError:
    with pytest.raises(PickleError) as caught:
        read(data)
    return caught.value


def same(found, wanted) -> bool:
    """Equal to the last bit, of the same type and order in memory, and writable."""
    layout = found.flags.f_contiguous == wanted.flags.f_contiguous and found.flags.writeable and found.flags.aligned
    return found.dtype.str == wanted.dtype.str and found.shape == wanted.shape and found.tobytes() == wanted.tobytes() and layout


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", ["u1", "b1", "i2", ">i2", "f2", "f4", ">f4", "f8", "u8"])
@pytest.mark.parametrize("shape", [(5, 4, 3), (7,), (3, 2, 1, 2), (300, 2, 2)])
def test_arrays_equal_those_of_pickle(kind, shape, protocol):
    values = (np.random.default_rng(0).random(shape) * 255).astype(kind)
    for laid in (values, np.asfortranarray(values), values[::2]):
        data = pickle.dumps(laid, protocol=protocol)
        assert same(read(data), pickle.loads(data))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("shape", [(0, 4, 3), (10**9, 0, 3), (2, 3, 0)])
def test_nothing_is_no_sequence(shape, protocol):
    """A file of a hundred bytes may claim a billion frames of nothing, of which a loader would make a list."""
    error = refused(pickle.dumps(np.zeros(shape, "uint8"), protocol=protocol))
    assert error.kind == "no frames" and "x".join(map(str, shape)) in str(error)
    assert refused(pickle.dumps([], protocol=protocol)).kind == "no frames"


def test_a_file_and_a_stream_give_the_same(tmp_path):
    large = np.random.default_rng(1).integers(0, 256, (400, 64, 64), dtype="uint8")  # beyond a pickle's frame of 64 KiB
    for protocol in PROTOCOLS:
        (tmp_path / "x.pkl").write_bytes(pickle.dumps(large, protocol=protocol))
        with open(tmp_path / "x.pkl", "rb") as stream:
            assert same(load(stream), large)
        assert same(load(tmp_path / "x.pkl"), large)


def renamed(data: bytes, old: str, new: str) -> bytes:
    """The pickle with a module's name changed, as another NumPy would have written it."""
    for end in (".multiarray", ".numeric"):
        a, b = (old + end).encode(), (new + end).encode()
        data = data.replace(b"\x8c%c%b" % (len(a), a), b"\x8c%c%b" % (len(b), b)).replace(b"c%b\n" % a, b"c%b\n" % b)
    return data


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_files_of_numpy_1_and_2_are_read(protocol):
    data = pickle.dumps(SILS, protocol=protocol)
    mine = "numpy._core" if b"numpy._core" in data else "numpy.core"
    one, two = renamed(data, mine, "numpy.core"), renamed(data, mine, "numpy._core")
    assert one != two and data in (one, two)
    if protocol >= 4:  # its frame has another length; Python's own reader wants it right
        one, two = (d[:3] + struct.pack("<Q", len(d) - 11) + d[11:] for d in (one, two))
    assert same(read(one), SILS) and same(read(two), SILS)


@pytest.mark.parametrize("protocol", (3, 4, 5))
@pytest.mark.parametrize("kind", ["u1", "f4"])
def test_the_known_layouts_and_the_machine_agree(kind, protocol):
    for frames in (1, 255, 256, 65536):
        data = np.frombuffer(bytearray(pickle.dumps(np.full((frames, 2, 3), 7, kind), protocol=protocol)), np.uint8)
        quick = array_of(data)
        assert quick is not None and same(quick, Machine(data).run().value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_lists_that_the_loader_takes_apart_by_frame_are_admitted(protocol):
    clouds = [np.arange(3.0 * n).reshape(n, 3) for n in (4, 2)]
    found = read(pickle.dumps(clouds, protocol=protocol))
    assert all(same(a, b) for a, b in zip(found, clouds)) and type(found) is list
    sizes = [(120, 60), [121, 61], 1.5, np.float64(2.5)]
    assert read(pickle.dumps(sizes, protocol=protocol)) == sizes
    twice = read(pickle.dumps((SILS, SILS), protocol=protocol))
    assert type(twice) is tuple and same(twice[0], SILS) and same(twice[1], SILS)


OTHERS = {
    "text": "sils", "nothing": None, "a number": 3, "a record": {"sils": SILS}, "a set": {1, 2}, "a number of numpy's": np.float32(1),
    "no axes": np.array(3), "words": np.array(["a", "b"]), "records": np.zeros(2, [("a", "i4")]), "dates": np.zeros(2, "M8[s]"),
    "complex numbers": SILS.astype("c8"), "a list of complex numbers": [SILS[0].astype("c16")],
    "a list of words": ["a"], "a deep list": [[[1]]], "a list of none": [None], "bytes": b"abc", "a dtype": np.dtype("u1"),
}  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("what", OTHERS)
def test_what_is_no_array_is_said(what, protocol):
    assert refused(pickle.dumps(OTHERS[what], protocol=protocol)).kind in ("not an array", "forbidden")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_of_objects_are_said(protocol):
    for items in ([1, "a"], [SILS, SILS[:1]], [None]):
        array = np.empty(len(items), object)
        array[:] = items
        assert refused(pickle.dumps(array, protocol=protocol)).kind == "objects"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_file_cut_anywhere_is_truncated(protocol):
    for kept in (SILS, [SILS, SILS[:1]]):
        data = pickle.dumps(kept, protocol=protocol)
        kinds = Counter(refused(data[:size]).kind for size in range(len(data)))
        assert kinds == {"empty": 1, "truncated": len(data) - 1}


def test_a_message_names_the_file_and_what_it_is(tmp_path):
    for start, said in (
        (b"\x89PNG....", "a PNG picture"),
        (b"version git-lfs", "Git LFS"),
        (b"\x93NUMPY", "npy"),
        (b"abcd", "61 62 63 64"),
    ):
        (tmp_path / "x.pkl").write_bytes(start)
        with pytest.raises(PickleError, match=f"x.pkl: .*{said}") as caught:
            load(tmp_path / "x.pkl")
        assert caught.value.kind == "not a pickle"
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.kind) == (str(caught.value), caught.value.kind)
    for protocol in (0, 1):
        assert "protocol" in refused(pickle.dumps(SILS, protocol=protocol)).why


class Calls:
    """Pickles as a call, as malicious files are made."""

    def __init__(self, call, *given):
        self.call, self.given = call, given

    def __reduce__(self):
        return self.call, self.given


def attacks(mark) -> dict[str, bytes]:
    """Pickles that would write the file ``mark`` (or take all memory) if anything in them were run."""
    import os

    shell, write = f"touch {mark}", f"open({str(mark)!r}, 'w').close()"
    text = b"\x8c%c%b" % (len(shell), shell.encode())
    name = lambda module, what: b"\x8c%c%b\x8c%c%b\x93" % (len(module), module, len(what), what)  # noqa: E731
    run = lambda module, what: b"\x80\x04" + name(module, what) + text + b"\x85R."  # noqa: E731
    reconstruct = name(b"numpy.core.multiarray", b"_reconstruct")
    where = b"\x8c%c%b" % (len(str(mark)), str(mark).encode())
    sils = pickle.dumps(SILS, protocol=4)
    found = {
        "os.system": pickle.dumps(Calls(os.system, shell)),
        "eval": pickle.dumps(Calls(eval, write)),
        "exec": pickle.dumps(Calls(exec, write)),
        "in a list": pickle.dumps([SILS, Calls(os.system, shell)]),
        "in an array": pickle.dumps(np.array([Calls(os.system, shell), 1], dtype=object)),
        "before an array": pickle.dumps(Calls(os.system, shell))[:-1] + b"0" + sils[11:],
        "after an array": sils[:-1] + pickle.dumps(Calls(os.system, shell))[11:],
        "getattr of something known": pickle.dumps(Calls(getattr, np.ndarray, "tofile")),
        "a dotted name": run(b"numpy", b"ndarray.__class__.__base__.__subclasses__"),
        "a module as a name": run(b"numpy.core.multiarray", b"_reconstruct.__globals__"),
        "numpy's own exec": run(b"numpy.testing._private.utils", b"runstring"),
        "numpy.load": run(b"numpy", b"load"),
        "numpy.memmap": b"\x80\x04" + name(b"numpy", b"memmap") + where + b"\x8c\x02u1\x8c\x02w+\x87R.",
        "numpy.fromfile": run(b"numpy.core.multiarray", b"fromfile"),
        "posix": b"\x80\x02cposix\nsystem\nX" + struct.pack("<I", len(shell)) + shell.encode() + b"\x85R.",
        "codecs": run(b"_codecs", b"decode"),
        "an object of a class": b"\x80\x04" + name(b"subprocess", b"Popen") + text + b"\x85\x81.",
        "a known class as an object": b"\x80\x04" + name(b"numpy", b"dtype") + b"\x8c\x02u1\x85\x81.",
        "protocol 0": b"cos\nsystem\n(S'" + shell.encode() + b"'\ntR.",
        "protocol 0 in 2": b"\x80\x02cos\nsystem\n(S'" + shell.encode() + b"'\ntR.",
        "inst": b"\x80\x02(S'" + shell.encode() + b"'\nios\nsystem\n.",
        "the extension registry": b"\x80\x02\x82\x01.",
        "a persistent id": b"\x80\x02X\x01\x00\x00\x00xQ.",
        "state for a name": b"\x80\x04" + name(b"numpy", b"ndarray") + b"}\x8c\x01x" + text + b"sb.",
        "state for a list": b"\x80\x04]" + text + b"\x85b.",
        "reconstruct something else": b"\x80\x04" + reconstruct + name(b"numpy", b"dtype") + b"K\x00\x85C\x01b\x87R.",
        "text called": b"\x80\x04" + text + b")R.",
        "a list called": b"\x80\x04])R.",
    }  # fmt: skip
    return found


def test_nothing_that_a_file_asks_for_is_run(tmp_path):
    mark = tmp_path / "ran"
    assert not mark.exists()
    kinds = {name: refused(data).kind for name, data in attacks(mark).items()}
    assert not mark.exists()
    for name in (
        "os.system",
        "eval",
        "exec",
        "in a list",
        "in an array",
        "posix",
        "numpy.memmap",
        "numpy.load",
        "numpy.fromfile",
        "codecs",
    ):
        assert kinds[name] in ("forbidden", "objects"), (name, kinds[name])
    pickle.loads(attacks(mark)["os.system"])  # it does work: the test can fail
    assert mark.exists()


def test_a_message_names_what_was_asked_for_without_control_characters():
    assert "posix.system" in refused(pickle.dumps(Calls(__import__("os").system, "true"))).why
    assert refused(b"\x80\x02cos\x1b[31m\nsys\ntem\n.").why.isprintable()


def bombs() -> dict[str, bytes]:
    """Small files that claim much."""
    sils, huge, size = pickle.dumps(SILS, protocol=4), 2**40, (2**40).to_bytes(6, "little")
    return {
        "bytes": sils.replace(b"C\x18", b"\x8e" + struct.pack("<Q", huge)),
        "a byte array": pickle.dumps(SILS, protocol=5).replace(b"\x96" + struct.pack("<Q", 24), b"\x96" + struct.pack("<Q", huge)),
        "text": b"\x80\x04\x8d" + struct.pack("<Q", huge) + b"a",
        "a shape": sils.replace(b"K\x02K\x03K\x04", b"\x8a\x06" + size + b"K\x03K\x04"),
        "a shape of nothing": sils.replace(b"K\x02K\x03K\x04", b"\x8a\x08" + (2**62).to_bytes(8, "little") + b"K\x00\x8a\x06" + size),
        "an array to be filled in": sils.replace(b"K\x00\x85", b"\x8a\x06" + size + b"\x85"),
        "ndarray called": b"\x80\x04\x8c\x05numpy\x8c\x07ndarray\x93\x8a\x06" + size + b"\x85R.",
        "a number in the memo": b"\x80\x04Nr\xff\xff\xff\xff.",
        "instructions": b"\x80\x04" + b"]" * 1_100_000 + b".",
        "lists in lists": b"\x80\x04" + b"]" * 200_000 + b"a" * 199_999 + b".",
        "a list of itself": b"\x80\x04]\x94h\x00a.",
        "doubling tuples": b"\x80\x04N" + b"\x94h\x00\x86" * 60 + b".",
    }  # fmt: skip


def test_size_bombs_end_in_a_message():
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, data in bombs().items():
        if name == "an array to be filled in":  # the claim is not heeded: the content decides
            assert same(read(data), SILS)
        else:
            assert refused(data).kind in ("truncated", "damaged", "not an array"), name
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # KiB: far below a claim


def test_changed_bytes_give_an_array_or_a_message():
    rng = np.random.default_rng(3)
    files = [bytearray(pickle.dumps(kept, protocol=p)) for kept in (SILS, [SILS, 2.5]) for p in PROTOCOLS]
    outcomes = Counter()
    for _ in range(4000):
        data = bytearray(files[rng.integers(len(files))])
        for at in rng.integers(0, len(data), rng.integers(1, 4)):
            data[at] = rng.integers(256)
        try:
            outcomes[type(content(np.frombuffer(data, np.uint8))).__name__] += 1
        except PickleError as error:
            outcomes[error.kind] += 1
    assert outcomes["ndarray"] > 100 and outcomes["truncated"] > 100 and outcomes["forbidden"] > 100 and outcomes["damaged"] > 100

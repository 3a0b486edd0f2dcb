"""Pickles of frames are read as `pickle.load` reads them, bit for bit. Anything else is refused, and nothing in it is run."""

from __future__ import annotations

import io
import os
import pickle
import resource
import struct
from collections import Counter

import numpy as np
import pytest

from opengait_mimic.data.safe_pickle import ADMITTED, PickleError, load_frames

PROTOCOLS = (2, 3, 4, 5)
SILS = np.arange(2 * 3 * 4, dtype="uint8").reshape(2, 3, 4)


def read(data: bytes):
    return load_frames(io.BytesIO(data))


def refuse(data: bytes) -> PickleError:
    with pytest.raises(PickleError) as caught:
        read(data)
    return caught.value


def is_same(array, expected) -> bool:
    """Equal to the last bit, of the same type and order in memory, writable, and in this machine's byte order."""
    layout = array.flags.f_contiguous == expected.flags.f_contiguous and array.flags.writeable and array.flags.aligned
    values = expected.astype(expected.dtype.newbyteorder("="))
    return array.dtype.str == values.dtype.str and array.shape == values.shape and array.tobytes() == values.tobytes() and layout


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", ["u1", "b1", ">i2", "f2", ">f4", "f8", "u8"])
def test_arrays_equal_those_of_pickle(kind, protocol):
    for shape in [(5, 4, 3), (7,), (400, 64, 8)]:  # the last is beyond a pickle's frame of 64 KiB
        values = (np.random.default_rng(0).random(shape) * 255).astype(kind)
        for array in (values, np.asfortranarray(values), values[::2]):
            data = pickle.dumps(array, protocol=protocol)
            assert is_same(read(data), pickle.loads(data))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_without_pixels_are_refused(protocol):
    """A file of a hundred bytes may claim a billion frames without pixels, of which a loader would make a list."""
    for shape in [(0, 4, 3), (10**9, 0, 3)]:
        error = refuse(pickle.dumps(np.zeros(shape, "uint8"), protocol=protocol))
        assert error.kind == "no frames" and "x".join(map(str, shape)) in str(error)
    assert refuse(pickle.dumps([], protocol=protocol)).kind == "no frames"


def test_a_path_and_a_stream_give_the_same(tmp_path):
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(SILS))
    with open(tmp_path / "x.pkl", "rb") as stream:
        assert is_same(load_frames(stream), SILS) and is_same(load_frames(tmp_path / "x.pkl"), SILS)


def rename_module(data: bytes, old: str, new: str) -> bytes:
    """The pickle with a module's name changed, as another NumPy would have written it."""
    for end in (".multiarray", ".numeric"):
        a, b = (old + end).encode(), (new + end).encode()
        data = data.replace(b"\x8c%c%b" % (len(a), a), b"\x8c%c%b" % (len(b), b)).replace(b"c%b\n" % a, b"c%b\n" % b)
    return data


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_files_of_numpy_1_and_2_are_read(protocol):
    data = pickle.dumps(SILS, protocol=protocol)
    mine = "numpy._core" if b"numpy._core" in data else "numpy.core"
    one, two = rename_module(data, mine, "numpy.core"), rename_module(data, mine, "numpy._core")
    assert one != two and data in (one, two)
    if protocol >= 4:  # the pickle's frame has another length
        one, two = (d[:3] + struct.pack("<Q", len(d) - 11) + d[11:] for d in (one, two))
    assert is_same(read(one), SILS) and is_same(read(two), SILS)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_lists_of_frames_are_read(protocol):
    clouds = [np.arange(3.0 * n).reshape(n, 3) for n in (4, 2)]
    frames = read(pickle.dumps(clouds, protocol=protocol))
    assert all(is_same(a, b) for a, b in zip(frames, clouds)) and type(frames) is list
    sizes = [(120, 60), [121, 61], 1.5, np.float64(2.5)]
    assert read(pickle.dumps(sizes, protocol=protocol)) == sizes
    pair = read(pickle.dumps((SILS, SILS), protocol=protocol))
    assert type(pair) is tuple and is_same(pair[0], SILS) and is_same(pair[1], SILS)


OTHERS = {
    "text": "sils", "nothing": None, "a record": {"sils": SILS}, "a number of numpy's": np.float32(1), "no axes": np.array(3),
    "words": np.array(["a", "b"]), "records": np.zeros(2, [("a", "i4")]), "dates": np.zeros(2, "M8[s]"), "complex": SILS.astype("c8"),
    "a list of complex numbers": [SILS[0].astype("c16")], "a list of words": ["a"], "a deep list": [[[1]]], "a dtype": np.dtype("u1"),
}  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_no_array_is_refused(protocol):
    for what, value in OTHERS.items():
        assert refuse(pickle.dumps(value, protocol=protocol)).kind in ("not an array", "forbidden"), what
    for items in ([1, "a"], [SILS, SILS[:1]], [None]):
        array = np.empty(len(items), object)
        array[:] = items
        assert refuse(pickle.dumps(array, protocol=protocol)).kind == "objects"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_file_cut_anywhere_is_truncated(protocol):
    for value in (SILS, [SILS, SILS[:1]]):
        data = pickle.dumps(value, protocol=protocol)
        kinds = Counter(refuse(data[:size]).kind for size in range(len(data)))
        assert kinds.pop("empty") == 1
        assert kinds.pop("damaged", 0) + kinds.pop("forbidden", 0) <= data.count(b".")  # the last byte looks like the end
        assert set(kinds) == {"truncated"}


def test_a_message_names_the_file_and_what_it_is(tmp_path):
    starts = {b"\x89PNG....": "a PNG picture", b"version git-lfs": "Git LFS", b"\x93NUMPY": "npy", b"abcd": "61 62 63 64"}
    for start, what in starts.items():
        (tmp_path / "x.pkl").write_bytes(start)
        with pytest.raises(PickleError, match=f"x.pkl: .*{what}") as caught:
            load_frames(tmp_path / "x.pkl")
        assert caught.value.kind == "not a pickle"
    for protocol in (0, 1):
        assert "protocol" in refuse(pickle.dumps(SILS, protocol=protocol)).why


class Calls:
    """Pickles as a call, as malicious files are made."""

    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


def text_of(text: str) -> bytes:
    return b"\x8c%c%b" % (len(text), text.encode())


def name_of(module: str, name: str) -> bytes:
    return text_of(module) + text_of(name) + b"\x93"


RECONSTRUCT = name_of("numpy.core.multiarray", "_reconstruct")
DTYPE = name_of("numpy", "dtype")


def attacks(mark) -> dict[str, bytes]:
    """Pickles that would write the file ``mark``, or change something of this process, if anything in them were run."""
    shell, write = f"touch {mark}", f"open({str(mark)!r}, 'w').close()"
    text, sils = text_of(shell), pickle.dumps(SILS, protocol=4)

    def run(module, name):
        return b"\x80\x04" + name_of(module, name) + text + b"\x85R."

    slots = b"N}" + text_of("__defaults__") + text + b"\x85s\x86b."  # BUILD with attributes for an object with slots
    return {
        "os.system": pickle.dumps(Calls(os.system, shell)),
        "eval": pickle.dumps(Calls(eval, write)),
        "in an array": pickle.dumps(np.array([Calls(os.system, shell), 1], dtype=object)),
        "before an array": pickle.dumps(Calls(os.system, shell))[:-1] + b"0" + sils[11:],
        "after an array": sils[:-1] + pickle.dumps(Calls(os.system, shell))[11:],
        "a dotted name": run("numpy", "ndarray.__class__.__base__.__subclasses__"),
        "numpy.memmap": b"\x80\x04" + name_of("numpy", "memmap") + text_of(str(mark)) + text_of("u1") + text_of("w+") + b"\x87R.",
        "numpy.fromfile": run("numpy.core.multiarray", "fromfile"),
        "posix": b"\x80\x02cposix\nsystem\nX" + struct.pack("<I", len(shell)) + shell.encode() + b"\x85R.",
        "an object of a class": b"\x80\x04" + name_of("subprocess", "Popen") + text + b"\x85\x81.",
        "a known class as an object": b"\x80\x04" + DTYPE + text_of("u1") + b"\x85\x81.",
        "protocol 0": b"cos\nsystem\n(S'" + shell.encode() + b"'\ntR.",
        "inst": b"\x80\x02(S'" + shell.encode() + b"'\nios\nsystem\n.",
        "the extension registry": b"\x80\x02\x82\x01.",
        "a persistent id": b"\x80\x02X\x01\x00\x00\x00xQ.",
        "attributes for a function": b"\x80\x04" + RECONSTRUCT + slots,
        "attributes for an array": b"\x80\x04" + RECONSTRUCT + b"NNN\x87R" + slots,
        "attributes for a dtype": b"\x80\x04" + DTYPE + text_of("u1") + b"\x85R" + slots,
        "items for an array": sils[:-1] + b"K\x00K\x00s.",
        "reconstruct something else": b"\x80\x04" + RECONSTRUCT + DTYPE + b"K\x00\x85C\x01b\x87R.",
    }


def test_nothing_that_a_file_asks_for_is_run(tmp_path):
    mark = tmp_path / "ran"
    kinds = {name: refuse(data).kind for name, data in attacks(mark).items()}
    assert not mark.exists()
    assert not any(getattr(stand_in, "__defaults__", None) for stand_in in ADMITTED.values())
    forbidden = "os.system, eval, in an array, posix, numpy.memmap, numpy.fromfile".split(", ")
    for name in forbidden:
        assert kinds[name] in ("forbidden", "objects"), (name, kinds[name])
    pickle.loads(attacks(mark)["os.system"])  # it does work: the test can fail
    assert mark.exists()


def test_a_dtype_cannot_make_numbers_into_pointers():
    """NumPy's own dtype takes flags from a file; the flag 63 has it read the bytes of the array as addresses of objects."""
    pointers = pickle.dumps(np.arange(3, dtype="u8"), protocol=4)
    at = pointers.index(b"K\x00t\x94b")  # the flags, at the end of the dtype's state
    array = read(pointers[:at] + b"K\x3ft\x94b" + pointers[at + 5 :])
    assert not array.dtype.hasobject and array.tolist() == [0, 1, 2]


def test_a_message_names_what_the_file_asked_for_without_control_characters():
    assert "posix.system" in refuse(pickle.dumps(Calls(os.system, "true"))).why
    assert refuse(b"\x80\x02cos\x1b[31m\nsys\ntem\n.").why.isprintable()


def bombs() -> dict[str, bytes]:
    """Small files that claim much."""
    sils, huge, size = pickle.dumps(SILS, protocol=3), 2**40, (2**40).to_bytes(6, "little")
    return {
        "bytes": sils.replace(b"C\x18", b"\x8e" + struct.pack("<Q", huge)),
        "text": b"\x80\x04\x8d" + struct.pack("<Q", huge) + b"a",
        "a frame": b"\x80\x04\x95" + struct.pack("<Q", huge) + b"N.",
        "a shape": sils.replace(b"K\x02K\x03K\x04", b"\x8a\x06" + size + b"K\x03K\x04"),
        "an array to be filled": sils.replace(b"K\x00\x85", b"\x8a\x06" + size + b"\x85"),
        "ndarray called": b"\x80\x04" + name_of("numpy", "ndarray") + b"\x8a\x06" + size + b"\x85R.",
        "a number in the memo": b"\x80\x04Nr\xff\xff\xff\xff.",
        "instructions": b"\x80\x04" + b"]" * 1_100_000 + b".",
        "a list of itself": b"\x80\x04]\x94h\x00a.",
        "doubling tuples as a shape": sils.replace(b"K\x02K\x03K\x04\x87", b"N" + b"qdhd\x86" * 60),
    }


def test_size_bombs_end_in_a_message():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, data in bombs().items():
        if name == "an array to be filled":  # its content decides, not the claim
            assert is_same(read(data), SILS)
        else:
            assert refuse(data).kind in ("truncated", "damaged", "not an array", "no frames"), name
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # KiB: far below a claim


def test_changed_bytes_give_an_array_or_a_message():
    rng = np.random.default_rng(3)
    files = [bytearray(pickle.dumps(value, protocol=p)) for value in (SILS, [SILS, 2.5]) for p in PROTOCOLS]
    outcomes = Counter()
    for _ in range(4000):
        data = bytearray(files[rng.integers(len(files))])
        for at in rng.integers(0, len(data), rng.integers(1, 4)):
            data[at] = rng.integers(256)
        try:
            outcomes[type(read(bytes(data))).__name__] += 1
        except PickleError as error:
            outcomes[error.kind] += 1
    assert outcomes["ndarray"] > 100 and outcomes["forbidden"] > 100 and outcomes["damaged"] + outcomes["truncated"] > 200


def test_bytes_after_the_end_are_ignored_as_pickle_ignores_them():
    clip = np.zeros((3, 4, 4), np.uint8)
    assert np.array_equal(load_frames(io.BytesIO(pickle.dumps(clip) + b"\n")), clip)

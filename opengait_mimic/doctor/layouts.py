"""The way NumPy writes silhouettes ``[s, h, w]``, recognised as a whole: some times faster than instruction by instruction.

`array_of` gives the array that `machine.Machine` would; what it does not recognise (another number of axes, lists, anything damaged or
strange) it leaves to the machine.
"""

from __future__ import annotations

import math
import re
import sys

import numpy as np

NOTED = rb"(?:\x94|q.)"  # every object gets a number


def _text(words: bytes) -> bytes:
    """Text in protocol 4, or in 2 and 3."""
    size = len(words)
    return rb"(?:%b|%b)%b" % tuple(map(re.escape, (b"\x8c%c" % size, b"X" + size.to_bytes(4, "little"), words)))


def _name(module: bytes, name: bytes, known: bytes = b"") -> bytes:
    """A name in protocol 4, or in 2 and 3; ``known`` is the number of the module's text where it occurred before."""
    first = known or _text(module) + NOTED
    return rb"(?:c%b\n%b\n|%b%b%b\x93)%b" % (re.escape(module), re.escape(name), first, _text(name), NOTED, NOTED)


def _core(module: bytes, name: bytes) -> bytes:
    """A name of NumPy 1 or 2."""
    return rb"(?:%b|%b)" % (_name(b"numpy.core." + module, name), _name(b"numpy._core." + module, name))


def _kind(module_and_name: bytes) -> bytes:
    """A dtype of numbers in this machine's byte order."""
    code = rb"(?:\x8c\x02|X\x02\x00\x00\x00)(?P<kind>b1|[iu][1248]|f[248])%b\x89\x88\x87%bR%b" % ((NOTED,) * 3)
    order = rb"\(K\x03(?:\x8c\x01|X\x01\x00\x00\x00)%b%bNNNJ\xff{4}J\xff{4}K\x00t%bb" % (NATIVE, NOTED, NOTED)
    return module_and_name + code + order


NATIVE = b"[|<]" if sys.byteorder == "little" else b"[|>]"
BEGIN = rb"\x80[\x02-\x05](?:\x95.{8})?"
FRAME = rb"(?:\x95.{8})?"
SHAPE = rb"(?P<shape>(?:K.|M..|J...[\x00-\x7f]){3})\x87" + NOTED
COUNT = rb"(?:C(?P<c1>.)|B(?P<c4>.{4})|[\x8e\x96](?P<c8>.{8}))"

BELOW_5 = (  # protocols 3 and 4; 5 for a slice of an array
    BEGIN
    + _core(b"multiarray", b"_reconstruct")
    + _name(b"numpy", b"ndarray")
    + rb"K\x00\x85%bC\x01b%b\x87%bR%b\(K\x01" % ((NOTED,) * 4)
    + SHAPE
    + _kind(_name(b"numpy", b"dtype", rb"h\x03"))
    + rb"\x89"
    + COUNT,
    FRAME + rb"%bt%bb\.\Z" % ((NOTED,) * 2),
)
IN_5 = (
    BEGIN + _core(b"numeric", b"_frombuffer") + rb"\(" + COUNT,
    FRAME + NOTED + _kind(_name(b"numpy", b"dtype")) + SHAPE + _text(b"C") + rb"%bt%bR%b\.\Z" % ((NOTED,) * 3),
)
LAYOUTS = [tuple(re.compile(part, re.DOTALL) for part in layout) for layout in (BELOW_5, IN_5)]
"""What stands before the numbers, and behind them."""

SIZES = {ord("K"): 1, ord("M"): 2, ord("J"): 4}


def array_of(data: np.ndarray) -> np.ndarray | None:
    """The array ``[s, h, w]`` in a file that NumPy wrote in protocols 3 to 5, in C order; None: not recognised.

    Args:
        data: uint8 ``[bytes]``, writable; the array is a view of it.
    """
    for before, behind in LAYOUTS:
        head = before.match(data)
        if head is None:
            continue
        begin = head.end()
        end = begin + int.from_bytes(head[head.lastgroup], "little")
        tail = behind.match(data[end:])
        if tail is None:
            return None
        said = {**head.groupdict(), **tail.groupdict()}
        kind, shape = np.dtype(said["kind"].decode()), _numbers(said["shape"])
        if end - begin != math.prod(shape) * kind.itemsize:
            return None
        array = np.ndarray(shape, kind, data, begin)
        return array if array.flags.aligned else array.copy()
    return None


def _numbers(code: bytes) -> list[int]:
    """The whole numbers that instructions put on the stack, one after the other."""
    found, at = [], 0
    while at < len(code):
        end = at + 1 + SIZES[code[at]]
        found.append(int.from_bytes(code[at + 1 : end], "little"))
        at = end
    return found

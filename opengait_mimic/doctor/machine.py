"""A reader of Python's pickle format that can make numbers, tuples, lists and NumPy arrays, and nothing else.

A pickle is a program for a stack machine. Python's own machine can import any name and call it; this one knows some thirty
instructions and six names, each of which stands for a few lines here. So nothing that a file asks for is imported or called, and what a
file claims is compared with what it holds before memory is taken for it.
"""

from __future__ import annotations

import struct

import numpy as np

from .errors import PickleError
from .parts import NAMES, Made, array, with_order

STEPS = 1_000_000
"""Instructions in one file at most: an array takes some fifty, a list twenty for each of its arrays or one for each number."""

CALLED = frozenset(NAMES.values())


class Machine:
    """Reads one pickle: ``Machine(data).run()``.

    Args:
        data: uint8 ``[bytes]``, writable: the whole file. Arrays that fit its alignment are views of it.
    """

    def __init__(self, data: np.ndarray):
        self.data, self.view, self.size, self.at = data, memoryview(data), len(data), 0
        self.stack, self.marks, self.memo = [], [], {}

    def run(self):
        """What the pickle holds: a `Made`, a number, text, None, or tuples and lists of those.

        Raises:
            PickleError: kinds ``truncated``, ``forbidden``, ``objects``, ``not an array``, ``damaged``.
        """
        view, steps = self.view, INSTRUCTIONS
        try:
            for _ in range(STEPS):
                code = view[self.at]
                self.at += 1
                if code == 0x2E:  # STOP
                    return self.stack.pop()
                steps[code](self)
        except KeyError as error:
            raise PickleError("damaged", f"instruction {code:#04x} at byte {self.at - 1} is none that arrays need") from error
        except IndexError as error:
            if self.at >= self.size:
                raise PickleError("truncated", f"the file ends after {self.size:,} bytes, before what it holds does") from error
            raise PickleError("damaged", f"its instructions do not fit together at byte {self.at - 1}") from error
        except (TypeError, ValueError, AttributeError, struct.error, OverflowError) as error:
            if isinstance(error, PickleError):
                raise
            raise PickleError("damaged", f"its instructions do not fit together at byte {self.at - 1} ({error})") from error
        raise PickleError("damaged", f"more than {STEPS:,} instructions: no sequence of frames needs so many")

    def take(self, count: int) -> memoryview:
        """The next ``count`` bytes."""
        begin, self.at = self.at, self.at + count
        if self.at > self.size:
            raise PickleError("truncated", f"{count:,} bytes should follow byte {begin:,}, but the file has {self.size:,} in all")
        return self.view[begin : self.at]

    def number(self, size: int) -> int:
        """The next ``size`` bytes as an unsigned number."""
        return int.from_bytes(self.take(size), "little")

    def raw(self, count: int) -> None:
        """Put the next ``count`` bytes on the stack: a view of the file's."""
        begin = self.at
        self.take(count)
        self.stack.append(self.data[begin : self.at])

    def text(self, count: int) -> str:
        """The next ``count`` bytes as text."""
        return str(self.take(count), "utf-8", "surrogatepass")

    def line(self) -> str:
        """Text up to the end of a line."""
        window = bytes(self.view[self.at : self.at + 1000])
        end = window.find(b"\n")
        if end < 0:
            raise PickleError("truncated" if len(window) < 1000 else "damaged", f"a name at byte {self.at} does not end")
        return str(self.take(end + 1)[:-1], "utf-8")

    def since_mark(self) -> list:
        """What lies above the last mark, taken off."""
        mark = self.marks.pop()
        found = self.stack[mark:]
        del self.stack[mark:]
        return found

    def tuple_of(self, count: int) -> None:
        """Join the ``count`` topmost."""
        if len(self.stack) < count:
            raise IndexError(count)
        found = tuple(self.stack[-count:])
        del self.stack[-count:]
        self.stack.append(found)

    def extend(self, found: list) -> None:
        """Add to the list that is topmost."""
        if type(self.stack[-1]) is not list:
            raise TypeError("items for what is no list")
        self.stack[-1].extend(found)

    def append(self) -> None:
        """Add the topmost to the list below it."""
        item = self.stack.pop()
        self.extend([item])

    def memoize(self) -> None:
        """Number the topmost."""
        self.memo[len(self.memo)] = self.stack[-1]

    def put(self, index: int) -> None:
        """Number the topmost."""
        self.memo[index] = self.stack[-1]

    def get(self, index: int) -> None:
        """Put what has a number on the stack."""
        if index not in self.memo:
            raise ValueError(f"nothing has the number {index}")
        self.stack.append(self.memo[index])

    def name(self, module: str, name: str) -> None:
        """Put a known name on the stack."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError("a name that is no text")
        known = NAMES.get(f"{module}.{name}")
        if known is None:
            asked = ascii(f"{module}.{name}")[1:-1]
            raise PickleError("forbidden", f"it asks Python for {asked:.100}, which no array needs; it was not run")
        self.stack.append(known)

    def stack_name(self) -> None:
        """A name whose two parts are topmost."""
        name, module = self.stack.pop(), self.stack.pop()
        self.name(module, name)

    def reduce(self) -> None:
        """A known name with its arguments."""
        given, known = self.stack.pop(), self.stack.pop()
        if known not in CALLED:
            raise TypeError("what is called is no name")
        self.stack.append(known(*given))

    def build(self) -> None:
        """Fill in an array or a dtype."""
        state, made = self.stack.pop(), self.stack[-1]
        if type(made) is not Made or not isinstance(state, tuple):
            raise TypeError("content for what is no array")
        if isinstance(made.value, np.dtype):
            made.value = with_order(made.value, *state)
        elif made.value is None:
            _, shape, kind, fortran, raw = state
            made.value = array(raw, kind.value, shape, "F" if fortran else "C", native=True)
        else:
            raise ValueError("content for an array that has it")


def other(what: str):
    """An instruction that only things other than arrays need."""

    def refuse(_: Machine):
        raise PickleError("not an array", f"it holds {what}, not an array")

    return refuse


def of_protocol_1(_: Machine):
    """An instruction of protocols 0 and 1."""
    raise PickleError("damaged", "it is written in pickle protocol 0 or 1, or by Python 2; protocols 2 to 5 of Python 3 are read")


def unknown_call(machine: Machine):
    """An instruction that makes objects of classes."""
    raise PickleError("forbidden", f"it asks Python to make an object (byte {machine.at - 1}), which no array needs; nothing was run")


INSTRUCTIONS = {
    0x80: lambda m: m.take(1),  # PROTO
    0x95: lambda m: m.take(8),  # FRAME
    0x63: lambda m: m.name(m.line(), m.line()),  # GLOBAL
    0x93: Machine.stack_name,  # STACK_GLOBAL
    0x52: Machine.reduce,  # REDUCE
    0x62: Machine.build,  # BUILD
    0x94: Machine.memoize,  # MEMOIZE
    0x71: lambda m: m.put(m.number(1)),  # BINPUT
    0x72: lambda m: m.put(m.number(4)),  # LONG_BINPUT
    0x68: lambda m: m.get(m.number(1)),  # BINGET
    0x6A: lambda m: m.get(m.number(4)),  # LONG_BINGET
    0x28: lambda m: m.marks.append(len(m.stack)),  # MARK
    0x29: lambda m: m.stack.append(()),  # EMPTY_TUPLE
    0x85: lambda m: m.tuple_of(1),  # TUPLE1
    0x86: lambda m: m.tuple_of(2),  # TUPLE2
    0x87: lambda m: m.tuple_of(3),  # TUPLE3
    0x74: lambda m: m.stack.append(tuple(m.since_mark())),  # TUPLE
    0x5D: lambda m: m.stack.append([]),  # EMPTY_LIST
    0x61: Machine.append,  # APPEND
    0x65: lambda m: m.extend(m.since_mark()),  # APPENDS
    0x4E: lambda m: m.stack.append(None),  # NONE
    0x88: lambda m: m.stack.append(True),  # NEWTRUE
    0x89: lambda m: m.stack.append(False),  # NEWFALSE
    0x4A: lambda m: m.stack.append(int.from_bytes(m.take(4), "little", signed=True)),  # BININT
    0x4B: lambda m: m.stack.append(m.number(1)),  # BININT1
    0x4D: lambda m: m.stack.append(m.number(2)),  # BININT2
    0x8A: lambda m: m.stack.append(int.from_bytes(m.take(m.number(1)), "little", signed=True)),  # LONG1
    0x47: lambda m: m.stack.append(struct.unpack(">d", m.take(8))[0]),  # BINFLOAT
    0x8C: lambda m: m.stack.append(m.text(m.number(1))),  # SHORT_BINUNICODE
    0x58: lambda m: m.stack.append(m.text(m.number(4))),  # BINUNICODE
    0x8D: lambda m: m.stack.append(m.text(m.number(8))),  # BINUNICODE8
    0x43: lambda m: m.raw(m.number(1)),  # SHORT_BINBYTES
    0x42: lambda m: m.raw(m.number(4)),  # BINBYTES
    0x8E: lambda m: m.raw(m.number(8)),  # BINBYTES8
    0x96: lambda m: m.raw(m.number(8)),  # BYTEARRAY8
    **dict.fromkeys(b"}su", other("a dictionary")),
    **dict.fromkeys(b"\x8f\x90\x91", other("a set")),
    **dict.fromkeys(b"ldpgISLVFTU0102", of_protocol_1),
    **dict.fromkeys(b"io\x81\x92\x82\x83\x84PQ", unknown_call),  # INST, OBJ, NEWOBJ, NEWOBJ_EX, EXT, PERSID
}

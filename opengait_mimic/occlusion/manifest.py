"""Manifests: the occlusions that a test drew, as a JSON file that another code base can apply.

.. code-block:: json

    {"format": "opengait-mimic manifest", "format_version": 1, "dataset": "GREW", "picture": [64, 44], "binarise": 0.5,
     "data": "sha256:...",
     "conditions": [
      {"name": "top+bottom 0.4-0.6 seed 0", "seed": 0,
       "occlusion": {"kinds": {"top": 0.5, "bottom": 0.5}, "hidden": [0.4, 0.6], "speed": [0.5, 1.0], "time_axis": 100,
                     "reference_compat": {}},
       "sequences": {"01123/01/4XPn5Z28": {"kind": "top", "hidden": 0.4734102},
                     "01123/02/4XPn5Z28": {"kind": "patch", "hidden": 0.51, "place": 0.25, "speed": -0.75}}}]}

``picture`` is [h, w], the rows and columns of the pictures that were hidden; ``binarise`` the threshold above which the network's input
was 1 and else 0 (null: it kept its grey values); ``data`` a fingerprint of the test data (its names, sizes and samples of its bytes, by
this package's own rule). They may be left out, and are not checked then, which a line of the log says. Hiding by ``patch`` and ``pole``
follows the picture's size, so these are refused under another ``picture``; the other kinds scale with it. Another ``binarise`` or ``data``
is warned of.

``occlusion`` and ``seed`` say what was drawn from. ``sequences`` maps ``label/type/view`` of every test sequence to what is hidden of
it, and is all that needs to be read in order to apply it. Numbers are shortest decimals that give the same float64 again.

**Applying it.** The pictures are silhouettes of h rows and w columns, float32 from 0 (background) to 1, as the test's transforms leave
them; k = 0, 1, 2, ... is a frame's index in the sequence, in order and without gaps. Computed in float64:

- ``none``: nothing.
- ``top``, ``bottom``: the rows from a to b are stretched over all h rows. ``top``: a = hidden * h, b = h; ``bottom``: a = 0,
  b = (1 - hidden) * h; both rounded to multiples of 2**-40. New row i is at the source row r = a + (i + 0.5) * (b - a) / h - 0.5, clamped
  to floor(a) and ceil(b) - 1: linear between the rows floor(r) and floor(r) + 1 (the last row where that is beyond it), the weight of the
  second is x = r - floor(r), as float32; of p and q above and below, p + x * (q - p) for x below 0.5, else q - (q - p) * (1 - x).
- ``middle``: rows u to u + n - 1 are 0: n = max(1, floor(hidden * h + 0.5)), u = floor(place * (h - n + 1)).
- ``patch``: a rectangle is 0: its last row is the picture's last, its height n as above, its width m = max(1, floor(share * w + 0.5)) with
  share = ``width``, or ``hidden`` where ``width`` is left out. Its left column in frame k is
  floor((place * (w + m) + v * k) mod (w + m)) - m, where v = speed * h / 64 and x mod y lies from 0 to below y; what lies outside the
  picture is cut off.
- ``pole``: as ``patch``, with all rows.

``patch`` and ``pole`` are defined for h, w = ``picture`` alone. Where the network takes binarised input (``binarise``), a pixel is
then 1 if it is above that threshold and else 0.

Left out is what is 0 or false. ``reference_compat`` alone gives the following. ``trimmed`` (top and bottom): the columns from
trimmed / 2 * w to (1 - trimmed / 2) * w are stretched over all w columns as the rows were, after them. ``once`` (patch and pole): the left
column is floor(v * (start + k)). ``portion``: the hidden share before it was cut to whole rows; it changes no picture. ``seed`` may be
any, and ``reference_compat`` holds the switches that were on.

A sampling that draws frames (anything but ``all_ordered``) has no frame index that another code base could know: there is no manifest
of moving occlusions under it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Callable, NamedTuple

from ..base.config import REQUIRED, anything, block, boolean, choice, integer, number, optional, pair, read, text
from ..base.errors import ConfigError
from ..base.json_header import read_headed
from . import KINDS, MOVING, Draw, Occlusion, fields

FORMAT, VERSION = "opengait-mimic manifest", 1
UNTOLD = object()
"""In the place of ``binarise`` where a manifest does not tell it."""
NUMBERS = ("hidden", "place", "speed", "width", "trimmed", "portion")
Drawn = dict[tuple[str, str, str], tuple[Draw, int]]
"""(label, type, view) -> what is hidden, and the time of the first frame (0 but for ``once``)."""


class Condition(NamedTuple):
    """What one condition drew from, and what it drew."""

    name: str
    occlusion: Occlusion
    seed: int
    drawn: Drawn

    @property
    def hash(self) -> str:
        """SHA-256 of what is hidden, whatever the file's layout."""
        lines = sorted([*name, *map(str, d), str(start)] for name, (d, start) in self.drawn.items())
        return f"sha256:{hashlib.sha256(json.dumps(lines).encode()).hexdigest()}"


class Manifest(NamedTuple):
    """The conditions of a manifest, on one data set.

    ``picture``: rows and columns; None = not told. ``binarise``: a threshold, None = grey values are kept, `UNTOLD`. ``data``:
    fingerprint of the test data; None = not told.
    """

    dataset: str
    conditions: tuple[Condition, ...]
    source: str = "the manifest"
    picture: tuple[int, int] | None = None
    binarise: object = UNTOLD
    data: str | None = None

    def of(self, occlusion: Occlusion, seed: int) -> Condition:
        """The condition that drew from an occlusion with a seed.

        Raises:
            ConfigError: the manifest has none; names the nearest, and in which keys they differ.
        """
        wanted = _told(occlusion, seed)
        held = [(each, _told(each.occlusion, each.seed)) for each in self.conditions]
        for condition, told in held:
            if told == wanted:
                return condition

        def far(one):
            low, high = zip(*(each["hidden"] for each in (one[1], wanted)))
            return sum(one[1][key] != wanted[key] for key in wanted), abs(one[0].seed - seed), abs(low[0] - low[1]) + abs(high[0] - high[1])

        (first, told), *others = sorted(held, key=far)
        differ = "; ".join(
            f"{key} {json.dumps(told[key])} there, {json.dumps(wanted[key])} here" for key in wanted if told[key] != wanted[key]
        )
        more = f" and {len(others) - 2} more" if len(others) > 2 else ""
        rest = f"It also holds {', '.join(repr(each.name) for each, _ in others[:2])}{more}. " if others else ""
        raise ConfigError(
            f"{self.source}: holds no condition of seed {seed} that hides as this one does. The nearest is {first.name!r}: {differ}. {rest}"
            "Test what it holds, or leave the manifest out"
        )

    def departures(self, data: str, binarise: float | None) -> list[str]:
        """What may make this test another than the one that the manifest was made in; sentences.

        Args:
            data: fingerprint of the test data.
            binarise: threshold of the network's input; None = it keeps its grey values.
        """
        found = []
        if self.data not in (None, data):
            found.append(
                f"data: made on other test data of {self.dataset} ({self.data[:19]} there, {data[:19]} here); sequences are known by name"
            )
        if self.binarise is not UNTOLD and self.binarise != binarise:
            found.append(f"binarise: {json.dumps(self.binarise)} there, {json.dumps(binarise)} here; edges of what is hidden may differ")
        told = {"picture": self.picture is not None, "binarise": self.binarise is not UNTOLD, "data": self.data is not None}
        if lacking := [key for key, there in told.items() if not there]:
            found.append(f"{', '.join(lacking)}: not told, so not checked")
        return [f"{self.source}: {each}" for each in found]

    def for_test(
        self,
        occlusion: Occlusion,
        seed: int,
        dataset: str,
        sample_type: str,
        sequences: Iterable[tuple[str, str, str]],
        picture: tuple[int, int] | None = None,
    ) -> Drawn:
        """What a test hides, sequence by sequence.

        Args:
            occlusion: of the condition.
            seed: of the condition.
            dataset: name of the test set.
            sample_type: of the test's sampler.
            sequences: (label, type, view) of the whole test set.
            picture: rows and columns of this test's silhouettes; None = not known.

        Raises:
            ConfigError: another data set, no such condition, sequences that the manifest does not name, frames out of order, or moving
                kinds under another picture.
        """
        if dataset != self.dataset:
            raise ConfigError(f"{self.source}: made on {self.dataset}, this test is on {dataset}")
        condition = self.of(occlusion, seed)
        lacking = [name for name in sequences if name not in condition.drawn]
        if lacking:
            some = ", ".join("/".join(name) for name in lacking[:5])
            raise ConfigError(f"{self.source}: {condition.name} names no occlusion for {len(lacking)} test sequences: {some}")
        refuse_drawn_frames(sample_type, condition.drawn)
        moving = sorted({d.kind for d, _ in condition.drawn.values()} & set(MOVING))
        if moving and None not in (self.picture, picture) and tuple(picture) != self.picture:
            theirs, ours = ("{}x{}".format(*size) for size in (self.picture, picture))
            raise ConfigError(
                f"{self.source}: picture = {list(self.picture)}, but this test's silhouettes are {ours} (rows x columns) after the"
                f" transforms: the path of {' and '.join(moving)} follows the size, so other pixels would be hidden. Test on {theirs}"
                " (evaluator_cfg.transform), or leave the manifest out"
            )
        return condition.drawn


def refuse_drawn_frames(sample_type: str, drawn: Drawn) -> None:
    """Stop where a moving occlusion meets a sampling that does not keep a frame's index.

    Raises:
        ConfigError: it does; says which sampling keeps it.
    """
    if sample_type != "all_ordered" and any(d.kind in MOVING for d, _ in drawn.values()):
        raise ConfigError(
            f"evaluator_cfg.sampler.sample_type = {sample_type!r}: the moving occlusions of a manifest follow a frame's index in its"
            " sequence, and this sampling draws frames; choose all_ordered"
        )


def write(file: str | os.PathLike, manifest: Manifest) -> None:
    """Write a manifest, through a temporary name.

    Raises:
        OSError: the place cannot be written.
    """
    conditions = []
    for name, occlusion, seed, drawn in manifest.conditions:
        sequences = {"/".join(key): _entry(*drawn[key]) for key in sorted(drawn)}
        conditions.append({"name": name, "seed": seed, "occlusion": _block(occlusion), "sequences": sequences})
    head = {"format": FORMAT, "format_version": VERSION, "dataset": manifest.dataset}
    head.update({} if manifest.picture is None else {"picture": list(manifest.picture)})
    head.update({} if manifest.binarise is UNTOLD else {"binarise": manifest.binarise})
    head.update({} if manifest.data is None else {"data": manifest.data}, conditions=[])
    lines = [json.dumps(head)[:-2]]  # without the closing ]}
    for i, condition in enumerate(conditions):
        sequences = condition.pop("sequences")
        lines.append(f'{"," if i else ""}{json.dumps(condition)[:-1]}, "sequences": {{')
        lines.append(",\n".join(f"{json.dumps(key)}: {json.dumps(entry)}" for key, entry in sequences.items()) + "}}")
    file = Path(file)
    part = file.with_name(f".{file.name}.{os.getpid()}")
    file.parent.mkdir(parents=True, exist_ok=True)
    part.write_text("\n".join([*lines, "]}"]) + "\n", encoding="utf-8")
    os.replace(part, file)


def read_manifest(file: str | os.PathLike) -> Manifest:
    """Read a manifest.

    Raises:
        ConfigError: not a manifest, another version, an unknown key or kind, a number out of range; names the place.
    """
    where = str(file)
    found = read_headed(file, FORMAT, VERSION, "a manifest", "write it anew with `opengait-mimic evaluate --save-manifest FILE`")
    content = read(found, where, {"format": (REQUIRED, text), "format_version": (REQUIRED, anything), **TOP})
    conditions = [_condition(each, f"{where}: conditions[{i}]") for i, each in enumerate(content.conditions)]
    return Manifest(content.dataset, tuple(conditions), where, content.picture, content.binarise, content.data)


def _some(kind: type) -> Callable:
    """A check: a list, or a mapping, that is not empty."""

    def check(value, where):
        if not isinstance(value, kind) or not value:
            raise ConfigError(f"{where}: expected a {'list' if kind is list else 'mapping'} that is not empty")
        return value

    return check


def _share(value, where):
    """A check: 0 to below 1."""
    if number(0, 1)(value, where) == 1:
        raise ConfigError(f"{where} = 1; expected a share below 1")
    return float(value)


def _threshold(value, where):
    """A check: of ``binarise``."""
    return value if value is UNTOLD else optional(number(0, 1))(value, where)


TOP = {
    "dataset": (REQUIRED, text),
    "picture": (None, optional(pair(integer(1)))),
    "binarise": (UNTOLD, _threshold),
    "data": (None, optional(text)),
    "conditions": (REQUIRED, _some(list)),
}
CONDITION = {
    "name": (REQUIRED, text),
    "seed": (REQUIRED, integer(0)),
    "occlusion": (REQUIRED, block(fields())),
    "sequences": (REQUIRED, _some(dict)),
}
ENTRY = {
    "kind": (REQUIRED, choice(*KINDS)),
    **{name: (0.0, _share) for name in NUMBERS},
    "speed": (0.0, number(-64, 64)),
    "once": (False, boolean),
    "start": (0, integer(0)),
}


def _condition(given, where: str) -> Condition:
    found = read(given, where, CONDITION)
    drawn = {}
    for key, entry in found.sequences.items():
        name = tuple(key.split("/"))
        if len(name) != 3:
            raise ConfigError(f"{where}.sequences: {key!r}; expected label/type/view")
        here = f"{where}.sequences.{key}"
        numbers = vars(read(entry, here, ENTRY))
        if numbers["kind"] != "none" and not numbers["hidden"]:
            raise ConfigError(f"{here}.hidden: missing; {numbers['kind']} hides a share above 0")
        start = numbers.pop("start")
        drawn[name] = Draw(**{**numbers, "speed": float(numbers["speed"])}), start
    occlusion = Occlusion.of(found.occlusion, f"{where}.occlusion")
    kinds = {kind: found.occlusion.kinds[kind] for kind in occlusion.kinds}  # as written, not divided by their sum
    return Condition(found.name, occlusion._replace(kinds=kinds), found.seed, drawn)


def _entry(d: Draw, start: int) -> dict:
    """What a sequence's line says: no zeros."""
    once = {"once": True, "start": start} if d.once else {}
    return {"kind": d.kind, **{name: getattr(d, name) for name in NUMBERS if getattr(d, name)}, **once}


def _block(occlusion: Occlusion) -> dict:
    """An occlusion as its block, plain JSON values."""
    found = {key: value for key, value in occlusion._asdict().items() if key != "compat"}
    return json.loads(json.dumps({**found, "reference_compat": occlusion.compat or {}}))


def _told(occlusion: Occlusion, seed: int) -> dict:
    """`_block` and the seed, without what rounding or a kind of probability 0 would change."""
    kinds = {kind: round(share, 9) for kind, share in occlusion.kinds.items() if share > 0}
    return {"seed": seed, **_block(occlusion), "kinds": kinds}

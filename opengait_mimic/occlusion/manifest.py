"""Manifests: the occlusions that a test drew, as a JSON file that another code base can apply.

.. code-block:: json

    {"format": "opengait-mimic manifest", "format_version": 2, "dataset": "GREW", "picture": [64, 44], "binarise": 0.5,
     "data": "sha256:...",
     "conditions": [
      {"name": "top+bottom 0.4-0.6 seed 0", "seed": 0,
       "occlusion": {"kinds": {"top": 0.5, "bottom": 0.5}, "hidden": [0.4, 0.6], "speed": [0.5, 1.0], "time_axis": 100},
       "sequences": {"01123/01/4XPn5Z28": {"kind": "top", "hidden": 0.4734102},
                     "01123/02/4XPn5Z28": {"kind": "patch", "hidden": 0.51, "place": 0.25, "speed": -0.75}}}]}

``picture`` is [h, w], the rows and columns of the pictures that were hidden. ``binarise`` is the threshold above which the network's
input was 1 and else 0 (null: grey values were kept). ``data`` is a fingerprint of the test data. ``picture`` and ``data`` may be left
out and are then not checked. ``patch`` and ``pole`` depend on the picture's size, so they are refused under another ``picture``; the other
kinds scale with it. Another ``binarise`` or ``data`` gives a warning.

``occlusion`` and ``seed`` say what was drawn from. ``sequences`` maps ``label/type/view`` of every test sequence to what is hidden of
it. It is all that needs to be read in order to apply a manifest. Numbers are shortest decimals that give the same float64 again.
Numbers that are 0 are left out.

**Applying it.** The pictures are silhouettes of h rows and w columns, float32 from 0 (background) to 1, as the test's transforms leave
them; k = 0, 1, 2, ... is a frame's index in the sequence, in order and without gaps. Computed in float64:

- ``none``: nothing.
- ``top``, ``bottom``: the rows from a to b are stretched over all h rows. ``top``: a = hidden * h, b = h; ``bottom``: a = 0,
  b = (1 - hidden) * h; both rounded to multiples of 2**-40. New row i is at the source row r = a + (i + 0.5) * (b - a) / h - 0.5, clamped
  to floor(a) and ceil(b) - 1: linear between the rows floor(r) and floor(r) + 1 (the last row where that is beyond it), the weight of the
  second is x = r - floor(r), as float32; of p and q above and below, p + x * (q - p) for x below 0.5, else q - (q - p) * (1 - x).
- ``middle``: rows u to u + n - 1 are 0: n = max(1, floor(hidden * h + 0.5)), u = floor(place * (h - n + 1)).
- ``patch``: a rectangle is 0: its last row is the picture's last, its height n as above, its width m = max(1, floor(hidden * w + 0.5)).
  Its left column in frame k is floor((place * (w + m) + v * k) mod (w + m)) - m, where v = speed * h / 64 and x mod y lies from 0 to
  below y. Columns outside the picture are cut off.
- ``pole``: as ``patch``, with all rows.

Where the network takes binarised input (``binarise``), a pixel is then 1 if it is above that threshold and else 0.

A sampling that draws frames (anything but ``all_ordered``) has no frame index that another code base could know: there is no manifest
of moving occlusions under it. There is none either of a test whose ``reference_compat`` hides as the public code does.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import Field, field_validator, model_validator

from ..base.config import Allowed, Block, Count, Natural, Share, Text, between, pair_of
from ..base.errors import ConfigError
from ..base.files import read_headed, replacing
from .draws import Draw, Kind, Occlusion, OcclusionBlock
from .kinds import MOVING

FORMAT, VERSION = "opengait-mimic manifest", 2
Drawn = dict[tuple[str, str, str], Draw]
"""(label, type, view) -> what is hidden."""

Below1 = Annotated[float, Field(ge=0, lt=1), Allowed("a share from 0 to below 1")]


class SequenceBlock(Block):
    """A sequence in a manifest: what is hidden of it."""

    kind: Kind = Field(description="kind of occlusion")
    hidden: Below1 = Field(0.0, description="hidden fraction")
    place: Below1 = Field(0.0, description="place of the middle's band, or phase of a moving occluder")
    speed: between(-64, 64) = Field(0.0, description="moving kinds: pixels per frame in a picture of 64 rows; below 0: to the left")

    @model_validator(mode="after")
    def _hides_something(self):
        if self.kind != "none" and not self.hidden:
            raise ValueError(f".hidden: missing; {self.kind} hides a share above 0")
        return self


class ManifestConditionBlock(Block):
    """A condition in a manifest."""

    name: Text = Field(description="name of the condition")
    seed: Natural = Field(description="seed of the draws")
    occlusion: OcclusionBlock = Field(description="what the draws were made from")
    sequences: Annotated[dict[str, SequenceBlock], Field(min_length=1), Allowed("a mapping that is not empty")] = Field(
        description="label/type/view -> what is hidden of the sequence"
    )

    @field_validator("sequences")
    @classmethod
    def _are_named_in_full(cls, sequences):
        wrong = [name for name in sequences if name.count("/") != 2]
        if wrong:
            raise ValueError(f".{wrong[0]}: expected a name label/type/view")
        return sequences


class ManifestBlock(Block):
    """A manifest, for ``--manifest``."""

    format: Text = Field(description="marks the file")
    format_version: Any = Field(description="version of the format")
    dataset: Text = Field(description="name of the test set")
    picture: pair_of(Count) | None = Field(None, description="height and width of the silhouettes, in pixels; null: not known")
    binarise: Share | None = Field(description="threshold of the hidden silhouettes; null: none")
    data: Text | None = Field(None, description="fingerprint of the test set; null: not known")
    conditions: Annotated[list[ManifestConditionBlock], Field(min_length=1), Allowed("a list that is not empty")] = Field(
        description="what each condition hides"
    )


class Condition(NamedTuple):
    """What one condition drew from, and what it drew."""

    name: str
    occlusion: Occlusion
    seed: int
    drawn: Drawn

    @property
    def hash(self) -> str:
        """SHA-256 of what is hidden, whatever the file's layout."""
        lines = sorted([*name, *map(str, d)] for name, d in self.drawn.items())
        return f"sha256:{hashlib.sha256(json.dumps(lines).encode()).hexdigest()}"


class Manifest(NamedTuple):
    """The conditions of a manifest, on one data set; the fields are those of the file, None where it does not state them."""

    dataset: str
    conditions: tuple[Condition, ...]
    source: str = "the manifest"
    picture: tuple[int, int] | None = None
    binarise: float | None = None
    data: str | None = None

    def of(self, occlusion: Occlusion, seed: int) -> Condition:
        """The condition that drew from an occlusion with a seed. Raises ConfigError if there is none, and names those that are."""
        asked = _block_to_compare(occlusion)
        for condition in self.conditions:
            if condition.seed == seed and _block_to_compare(condition.occlusion) == asked:
                return condition
        names = [repr(condition.name) for condition in self.conditions]
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        raise ConfigError(
            f"{self.source}: holds no condition of seed {seed} with {json.dumps(asked)}. It holds {', '.join(names[:5])}{more}."
            " Test what it holds, or leave the manifest out"
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
        if self.binarise != binarise:
            found.append(f"binarise: {json.dumps(self.binarise)} there, {json.dumps(binarise)} here; edges of what is hidden may differ")
        return [f"{self.source}: {each}" for each in found]

    def for_test(
        self,
        occlusion: Occlusion,
        seed: int,
        dataset: str,
        sample_type: str,
        sequences: Iterable[tuple[str, str, str]],
        picture: tuple[int, int],
    ) -> Drawn:
        """What a test hides, sequence by sequence.

        Args:
            occlusion: of the condition.
            seed: of the condition.
            dataset: name of the test set.
            sample_type: of the test's sampler.
            sequences: (label, type, view) of the whole test set.
            picture: (h, w) of this test's silhouettes.

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
        moving = sorted({d.kind for d in condition.drawn.values()} & set(MOVING))
        if moving and self.picture not in (None, tuple(picture)):
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
    if sample_type != "all_ordered" and any(d.kind in MOVING for d in drawn.values()):
        raise ConfigError(
            f"evaluator_cfg.sampler.sample_type = {sample_type!r}: the moving occlusions of a manifest follow a frame's index in its"
            " sequence, and this sampling draws frames; choose all_ordered"
        )


def write(file: str | os.PathLike, manifest: Manifest) -> None:
    """Write a manifest. Raises HostError if the place cannot be written."""
    head = {"format": FORMAT, "format_version": VERSION, "dataset": manifest.dataset, "binarise": manifest.binarise}
    stated = {"picture": manifest.picture, "data": manifest.data}
    conditions = [
        {
            "name": condition.name,
            "seed": condition.seed,
            "occlusion": condition.occlusion._asdict(),
            "sequences": {"/".join(name): _without_zeros(d) for name, d in sorted(condition.drawn.items())},
        }
        for condition in manifest.conditions
    ]
    content = {**head, **{key: value for key, value in stated.items() if value is not None}, "conditions": conditions}
    with replacing(Path(file)) as stream:
        stream.write(json.dumps(content, indent=1).encode())


def read_manifest(file: str | os.PathLike) -> Manifest:
    """Read a manifest.

    Raises:
        ConfigError: not a manifest, another version, an unknown key or kind, a number out of range; names the place.
    """
    where = str(file)
    found = read_headed(file, FORMAT, VERSION, "a manifest", "write it again with `opengait-mimic evaluate --save-manifest FILE`")
    content = ManifestBlock.read(found, where)
    conditions = []
    for each in content.conditions:
        drawn = {tuple(name.split("/")): Draw(d.kind, d.hidden, d.place, d.speed) for name, d in each.sequences.items()}
        conditions.append(Condition(each.name, Occlusion.of(each.occlusion), each.seed, drawn))
    return Manifest(content.dataset, tuple(conditions), where, content.picture, content.binarise, content.data)


def _without_zeros(d: Draw) -> dict:
    return {key: value for key, value in d._asdict().items() if value}


def _block_to_compare(occlusion: Occlusion) -> dict:
    """An occlusion as plain values, without what rounding or a kind of probability 0 would change."""
    kinds = {kind: round(share, 9) for kind, share in occlusion.kinds.items() if share > 0}
    return {"kinds": kinds, "hidden": list(occlusion.hidden), "speed": list(occlusion.speed), "time_axis": occlusion.time_axis}

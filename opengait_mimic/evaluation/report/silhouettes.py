"""Silhouettes on the page: what the tests hid, and the best and worst retrievals."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

from ...base.errors import ConfigError
from .loaded_results import Result
from .method_groups import Group
from .page_sections import Figure, Section, make_section
from .page_text import escape_text, join_words

SHEETS, RETRIEVALS = 32, 12  # figures at most
REST = "they are in the results' pictures.npz"
ROLES = ("probe", "nearest", "nearest mate")


def show_sheets(group: Group) -> Section:
    """A contact sheet for each condition; results that hid the same show it once."""
    found: dict[tuple[str, str], list[str]] = {}  # condition and pictures -> who saw them
    for result in group.results:
        for name, clips in result.pictures.items():
            if name.startswith("sheet/") and not name.endswith("/text"):
                condition, words = name[len("sheet/") :], result.pictures.get(f"{name}/text")
                _check(result, name, clips, 4)
                items = [_strip(clip, "" if words is None else str(words[i])) for i, clip in enumerate(clips)]
                body = f'<ul class="sheet">{"".join(f"<li>{item}</li>" for item in items)}</ul>'
                found.setdefault((condition, body), []).append(group.name_of(result))
    figures = [Figure(body, f"{condition}: what {join_words(dict.fromkeys(who))} saw.", "wide") for (condition, body), who in found.items()]
    intro = "Some of the scored sequences as the network saw them; under each, what hides how much of it."
    empty = "The results hold no pictures of what was hidden (pictures.npz)."
    return make_section("sheets", "What the tests hid", intro, figures, empty, most=SHEETS, rest=REST)


def show_retrievals(group: Group) -> Section:
    """The best and the worst retrievals of each method and cell, first seed."""
    figures = []
    order = sorted(group.places, key=lambda place: place.occluded_side == "holistic")  # whole bodies last
    for entry in (entry for place in order for entry in group.at(place)):
        for which in ("best", "worst"):
            name = f"retrieval/{entry.indices[0]}/{which}"
            if name in entry.result.pictures:
                trials, words = entry.result.pictures[name], entry.result.pictures.get(f"{name}/text")
                _check(entry.result, name, trials, 5)
                body = "".join(_trial(trial, None if words is None else words[i]) for i, trial in enumerate(trials))
                caption = f"{entry.name}; {entry.place.title}; {which} {len(trials)}."
                if entry.place.gallery != "own":
                    caption += " The gallery is shown as the method's network sees it; it was embedded by the teacher, from the same clips."
                figures.append(Figure(f'<div class="trials">{body}</div>', caption, "wide"))
    intro = f"Each column a probe: from above {join_words(ROLES)}. The network saw these frames; the first seed of each cell."
    empty = "The results hold no pictures of retrievals (pictures.npz)."
    return make_section("retrievals", "Best and worst retrievals", intro, figures, empty, most=RETRIEVALS, rest=REST)


def _trial(trial: np.ndarray, words) -> str:
    captions = np.atleast_1d(words) if words is not None else np.array([])
    each = [str(captions[i]) if len(captions) == len(trial) else "" for i in range(len(trial))]
    rows = "".join(f"<li>{_strip(frames, f'{role}: {word}' if word else role)}</li>" for frames, role, word in zip(trial, ROLES, each))
    caption = f"<p>{escape_text(captions[0])}</p>" if len(captions) == 1 else ""
    return f'<div class="trial">{caption}<ul>{rows}</ul></div>'


def _strip(frames: np.ndarray, words: str) -> str:
    return f'<img src="{data_uri(join_frames(frames))}" alt="Four silhouettes"><span>{escape_text(words)}</span>'


def _check(result: Result, name: str, array: np.ndarray, dimensions: int) -> None:
    if array.dtype != np.uint8 or array.ndim != dimensions:
        found = f"{array.dtype} with {array.ndim} dimensions"
        raise ConfigError(f"{result.place}: pictures.npz: {name} is {found}; expected uint8 with {dimensions}: evaluate again")


def encode_png(picture: np.ndarray) -> bytes:
    """A grey picture as a PNG.

    Shape:
        picture: uint8 [h, w]

    Raises:
        ValueError: another type or shape.
    """
    if picture.dtype != np.uint8 or picture.ndim != 2 or 0 in picture.shape:
        raise ValueError(f"a picture of {picture.dtype} {list(picture.shape)}: want uint8 [height, width], neither of them 0")
    h, w = picture.shape
    lines = np.concatenate([np.zeros((h, 1), np.uint8), picture], axis=1)  # each line begins with its filter: none
    chunks = {b"IHDR": struct.pack(">IIBBBBB", w, h, 8, 0, 0, 0, 0), b"IDAT": zlib.compress(lines.tobytes(), 9), b"IEND": b""}
    parts = [struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks.items()]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def data_uri(picture: np.ndarray) -> str:
    """``data:image/png;base64,...`` of a grey picture, uint8 [h, w]."""
    return "data:image/png;base64," + base64.b64encode(encode_png(picture)).decode("ascii")


def join_frames(frames: np.ndarray, gap: int = 2) -> np.ndarray:
    """Frames side by side with a grey gap between them.

    Shape:
        frames: uint8 [k, h, w] -> uint8 [h, k * w + (k - 1) * gap]
    """
    k, h, w = frames.shape
    out = np.full((h, k * (w + gap)), 128, dtype=np.uint8)
    for i, frame in enumerate(frames):
        out[:, i * (w + gap) : i * (w + gap) + w] = frame
    return out[:, : k * (w + gap) - gap]

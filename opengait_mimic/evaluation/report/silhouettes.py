"""Silhouettes on the page: what the tests hid, and the best and worst retrievals."""

from __future__ import annotations

import base64
import struct
import zlib
from html import escape

import numpy as np

from .method_groups import Group
from .page_sections import Figure, Section, make_section
from .page_text import join_words

ROLES = ("probe", "nearest", "nearest mate")


def show_sheets(group: Group) -> Section:
    """A contact sheet for each condition; results that hid the same show it once."""
    found: dict[tuple[str, str], list[str]] = {}  # condition and pictures -> who saw them
    for result in group.results:
        for name, clips in result.pictures.items():
            if name.startswith("sheet/") and not name.endswith("/text"):
                items = "".join(f"<li>{_strip(clip, words)}</li>" for clip, words in zip(clips, result.pictures[f"{name}/text"]))
                key = name[len("sheet/") :], f'<ul class="sheet">{items}</ul>'
                found.setdefault(key, []).append(group.name_of(result))
    figures = [Figure(body, f"{condition}: what {join_words(dict.fromkeys(who))} saw.", "wide") for (condition, body), who in found.items()]
    intro = "Some of the scored sequences as the network saw them; under each, what hides how much of it."
    empty = "The results hold no pictures of what was hidden (pictures.npz)."
    return make_section("sheets", "What the tests hid", intro, figures, empty, most=32)


def show_retrievals(group: Group) -> Section:
    """The best and the worst retrievals of each method and cell, first seed."""
    figures = []
    for entry in (entry for place in group.places_by_interest for entry in group.at(place)):
        for which in ("best", "worst"):
            name = f"retrieval/{entry.indices[0]}/{which}"
            if name in entry.result.pictures:
                trials, words = entry.result.pictures[name], entry.result.pictures[f"{name}/text"]
                body = "".join(map(_trial, trials, words))
                caption = f"{entry.name}; {entry.place.title}; {which} {len(trials)}."
                if entry.place.gallery != "own":
                    caption += " The gallery is shown as the method's network sees it; it was embedded by the teacher, from the same clips."
                figures.append(Figure(f'<div class="trials">{body}</div>', caption, "wide"))
    intro = f"Each column a probe: from above {join_words(ROLES)}. The network saw these frames; the first seed of each cell."
    empty = "The results hold no pictures of retrievals (pictures.npz)."
    return make_section("retrievals", "Best and worst retrievals", intro, figures, empty)


def _trial(trial: np.ndarray, words: np.ndarray) -> str:
    rows = "".join(f"<li>{_strip(frames, f'{role}: {word}')}</li>" for frames, role, word in zip(trial, ROLES, words))
    return f'<div class="trial"><ul>{rows}</ul></div>'


def _strip(frames: np.ndarray, words: str) -> str:
    source = "data:image/png;base64," + base64.b64encode(encode_png(join_frames(frames))).decode("ascii")
    return f'<img src="{source}" alt="Four silhouettes"><span>{escape(str(words))}</span>'


def encode_png(picture: np.ndarray) -> bytes:
    """A grey picture as a PNG.

    Shape:
        picture: uint8 [h, w]
    """
    h, w = picture.shape
    lines = np.concatenate([np.zeros((h, 1), np.uint8), picture], axis=1)  # each line begins with its filter: none
    chunks = {b"IHDR": struct.pack(">IIBBBBB", w, h, 8, 0, 0, 0, 0), b"IDAT": zlib.compress(lines.tobytes(), 9), b"IEND": b""}
    parts = [struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks.items()]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def join_frames(frames: np.ndarray, gap: int = 2) -> np.ndarray:
    """Frames side by side with a grey gap between them.

    Shape:
        frames: uint8 [k, h, w] -> uint8 [h, k * w + (k - 1) * gap]
    """
    padded = np.pad(frames, ((0, 0), (0, 0), (0, gap)), constant_values=128)
    return np.concatenate(list(padded), axis=1)[:, :-gap]

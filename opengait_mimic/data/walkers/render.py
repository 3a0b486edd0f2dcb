"""From spheres in space to silhouettes: a pinhole camera, and convex hulls of discs filled row by row."""

from __future__ import annotations

import numpy as np

HEIGHT, WIDTH = 96, 96  # of the camera picture, pixels
TALLEST = 86  # pixels from top to bottom of the body where it is largest
FAR = np.float32(1e6)  # an end of an interval that is not there
CUT = 30.0  # what one interval to cut weighs against those to fill


def round_pixels(values: np.ndarray) -> np.ndarray:
    """Rounded to 1/256 pixel, float32. All that follows is exact, so the last digit of a sine does not reach the silhouettes."""
    return (np.round(values * 256) / 256).astype(np.float32)


def project(centres: np.ndarray, radii: np.ndarray, camera: np.ndarray, target: np.ndarray) -> np.ndarray:
    """See spheres through a pinhole camera at focal length 1.

    Args:
        centres: ``[s, p, 3]``, metres.
        radii: ``[p]``, metres.
        camera: where the camera is, ``[3]``, metres.
        target: the point that it looks at, ``[3]``, metres.

    Returns:
        ``[s, p, 3]``: right, down and radius on the image plane.
    """
    ahead = (target - camera) / np.sqrt(((target - camera) ** 2).sum())
    right = np.array([ahead[1], -ahead[0], 0.0]) / np.hypot(ahead[0], ahead[1])
    down = np.cross(ahead, right)
    seen = centres - camera
    x, y, depth = ((seen * axis).sum(-1) for axis in (right, down, ahead))
    return np.stack([x / depth, y / depth, radii / depth], axis=-1)


def fit_discs(discs: np.ndarray) -> np.ndarray:
    """Scale and shift projected discs into the picture: tallest frame TALLEST pixels, each frame centred."""
    x, y, r = (discs[..., i] for i in range(3))
    top, bottom = (y - r).min(1, keepdims=True), (y + r).max(1, keepdims=True)  # [s, 1]
    left, right = (x - r).min(1, keepdims=True), (x + r).max(1, keepdims=True)
    scale = TALLEST / (bottom - top).max()
    x = (x - (left + right) / 2) * scale + WIDTH / 2
    y = (y - (top + bottom) / 2) * scale + HEIGHT / 2
    return round_pixels(np.stack([x, y, r * scale], axis=-1))


def find_extents(discs: np.ndarray, hulls: list[tuple[int, ...]]) -> tuple[np.ndarray, np.ndarray]:
    """Left and right end of each hull in each row of the picture; left > right where the hull is not.

    Args:
        discs: float32 ``[s, p, 3]`` (x, y, radius in pixels).
        hulls: indices of discs; more than two are a ring, in the order given.

    Returns:
        Two of float32 ``[hulls, s, HEIGHT]``.
    """
    rows = np.arange(HEIGHT, dtype=np.float32) + np.float32(0.5)
    x, y, r = discs.transpose(2, 1, 0)[..., None]  # [p, s, 1]
    chord = r * r - (rows - y) ** 2  # [p, s, h]
    half = np.sqrt(np.maximum(chord, 0))
    disc_left, disc_right = np.where(chord > 0, x - half, FAR), np.where(chord > 0, x + half, -FAR)

    pairs = sorted({pair for hull in hulls for pair in _ring(hull)})
    a, b = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    dx, dy = x[b] - x[a], y[b] - y[a]
    length = np.sqrt(dx * dx + dy * dy) + np.float32(1e-6)
    sine = np.clip((r[a] - r[b]) / length, -1, 1)
    cosine = np.sqrt(1 - sine * sine)
    line_left, line_right = [], []
    for turn in (cosine, -cosine):  # the two outer tangents
        nx, ny = (dx * sine - dy * turn) / length, (dy * sine + dx * turn) / length
        xa, ya, xb, yb = x[a] + r[a] * nx, y[a] + r[a] * ny, x[b] + r[b] * nx, y[b] + r[b] * ny
        rise = yb - ya
        slope = (xb - xa) / np.where(np.abs(rise) < 1e-3, np.float32(1e-3), rise)
        at = rows * slope
        at += xa - ya * slope
        inside = (rows >= np.minimum(ya, yb)) & (rows <= np.maximum(ya, yb))
        line_left.append(np.where(inside, at, FAR))
        line_right.append(np.where(inside, at, -FAR))
    line_left, line_right = np.minimum(*line_left), np.maximum(*line_right)

    place = {pair: i for i, pair in enumerate(pairs)}
    left, right = np.empty((2, len(hulls), *chord.shape[1:]), dtype=np.float32)
    for k, hull in enumerate(hulls):
        lines = [place[pair] for pair in _ring(hull)]
        left[k] = np.minimum.reduce([*disc_left[list(hull)], *line_left[lines]])
        right[k] = np.maximum.reduce([*disc_right[list(hull)], *line_right[lines]])
    return left, right


def _ring(hull: tuple[int, ...]) -> list[tuple[int, int]]:
    """Neighbours in the ring, each pair once, lower index first."""
    pairs = zip(hull, hull[1:] + hull[:1]) if len(hull) > 2 else [hull] * (len(hull) - 1)
    return [(min(pair), max(pair)) for pair in pairs]


def fill_rows(left: np.ndarray, right: np.ndarray, cut: int = 0) -> np.ndarray:
    """The union of row intervals ``[k, s, HEIGHT]`` as a picture, bool ``[s, HEIGHT, WIDTH]``, less the union of the last ``cut`` of them.

    At most 29 intervals to fill and 4 to cut. The first and last column stay empty.
    """
    k, s, _ = left.shape
    part, at, row = np.nonzero(left <= right)
    start = np.clip(np.ceil(left[part, at, row] - np.float32(0.5)), 1, WIDTH - 1).astype(np.int64)
    stop = np.clip(np.floor(right[part, at, row] - np.float32(0.5)) + 1, 1, WIDTH - 1).astype(np.int64)
    line = (at * HEIGHT + row) * WIDTH
    weight = np.where(part < k - cut, 1.0, -CUT)
    ends, weight = np.concatenate([line + start, line + stop]), np.concatenate([weight, -weight])
    step = np.bincount(ends, weight, minlength=s * HEIGHT * WIDTH)
    depth = np.cumsum(step.astype(np.int8), dtype=np.int8)  # back to 0 at the end of each row
    return (depth > 0).reshape(s, HEIGHT, WIDTH)


def normalise(mask: np.ndarray, size: int = 64, shift: np.ndarray | int = 0) -> np.ndarray:
    """Crop to the foreground's height, scale to ``size`` rows, centre the columns on the median of the mass.

    Rows with fewer than three foreground pixels at top or bottom do not count as foreground.

    Args:
        mask: foreground, bool ``[s, h, w]``, first and last column empty.
        size: rows and columns of the result.
        shift: pixels of ``mask`` that the centre is off, per frame.

    Returns:
        uint8 ``[s, size, size]``, values 0 and 255.

    Source: what OpenGait's pretreatment documents (crop, 64 rows, aspect kept, centred).
    """
    s, h, w = mask.shape
    full = np.count_nonzero(mask, axis=2) >= 3  # [s, h]
    top, bottom = full.argmax(1), h - full[:, ::-1].argmax(1)
    mass = np.cumsum(np.count_nonzero(mask, axis=1), axis=1)  # [s, w]
    centre = (2 * mass >= mass[:, -1:]).argmax(1) + shift
    # two taps per output pixel and axis, in whole numbers
    taps = 2 * np.arange(2 * size) + 1
    tall = (bottom - top)[:, None]
    rows = top[:, None] + taps * tall // (4 * size)
    cols = np.clip(centre[:, None] + ((taps - 2 * size) * tall + 2 * size) // (4 * size), 0, w - 1)
    lines = mask.view(np.uint8).reshape(s * h, w)[rows + h * np.arange(s)[:, None]]  # [s, 2 size, w]
    lines = lines[:, 0::2] + lines[:, 1::2]  # [s, size, w]
    columns = np.ascontiguousarray(lines.transpose(0, 2, 1)).reshape(s * w, size)[cols + w * np.arange(s)[:, None]]
    share = (columns[:, 0::2] + columns[:, 1::2]).transpose(0, 2, 1)  # [s, size, size]
    return np.where(share >= 2, np.uint8(255), np.uint8(0))

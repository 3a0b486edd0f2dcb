"""One sequence: a subject walks past a standing camera."""

from __future__ import annotations

import numpy as np

from .body import Subject, draw_session
from .gait import list_hulls, measure_stride, pose_body
from .noise import add_noise
from .random_stream import RandomStream
from .render import fit_discs, normalise, project

FPS = 25.0


def make_sequence(who: Subject, name: str, azimuth: int, frames: int | tuple[int, int] = (22, 28)) -> np.ndarray:
    """Silhouettes of one walk, uint8 ``[s, 64, 64]``, values 0 and 255.

    Args:
        who: the subject.
        name: session, such as ``nm-01``; see `draw_session`.
        azimuth: degrees from the walking direction to the camera: 0 is seen from the front, 90 from the right side.
        frames: how many at 25 per second, or the lowest and highest number (drawn per sequence).
    """
    low, high = (frames, frames) if isinstance(frames, int) else frames
    day = draw_session(who, name)
    draws = RandomStream(who.seed, "sequence", who.index, name, azimuth)
    count = int(draws.uniform(low, high + 1))
    phase0, turn = draws.uniform(), draws.bell(0.0, 3.5)
    distance, height = draws.bell(6.0, 0.4), draws.bell(1.7, 0.12)

    rate = who.cadence * np.sqrt(day.speed)  # cycles per second
    phase = phase0 + rate * np.arange(count) / FPS
    body = pose_body(who, day, phase)
    names = {part: i for i, part in enumerate(body)}
    centres = np.stack([centre for centre, _ in body.values()], 1)  # [s, p, 3]
    radii = np.array([radius for _, radius in body.values()])
    centres[..., 0] += ((phase - phase.mean()) * measure_stride(who, day))[:, None]
    angle = np.radians(azimuth + turn)
    camera = np.array([distance * np.cos(angle), -distance * np.sin(angle), height])
    discs = fit_discs(project(centres, radii, camera, target=np.array([0.0, 0.0, 0.95])))
    mask = add_noise(discs, [tuple(names[part] for part in hull) for hull in list_hulls(day)], draws)
    return normalise(mask, shift=np.round(draws.bell(0.0, 0.7, count)).astype(np.int64))

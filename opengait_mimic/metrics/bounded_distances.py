"""Fast distances with a bound on their error."""

from __future__ import annotations

import contextlib

import torch

U = 2.0**-24  # unit roundoff of float32
TILE = 2048  # gallery embeddings at once: what the elementwise steps touch stays in the cache
CHUNK = 128  # embeddings prepared at once


class Screen:
    """Distances of probes to a gallery by matrix products, each with a bound on how far it lies from the exact one.

    One product per part gives the expanded square |a|² + |b|² - 2 a·b of embeddings centred on the gallery's mean. The square
    loses digits where a and b are close. The bound holds for any order of summation: with c channels, p parts, u = 2^-24 and the
    centred lengths A and B (the largest of the tile), a part's square is off by less than E = (c + p + 32) u (A + B)². A sum of n
    products is off by less than n u / (1 - n u) times the sum of their magnitudes; the 32 and the p leave room for centring, root and
    mean. The part's distance d then is off by less than E / max(d, √E). For ``cos`` every cosine is off by less than (c + p + 32) u.
    Typical at [256, 16]: 5e-5 of the distance.

    Args:
        probe: embeddings, float32, finite.
        gallery: embeddings, float32, finite, on the same device.
        metric: ``euc`` or ``cos``, see `distance_matrix`.

    Shape:
        probe [P, c, p], gallery [G, c, p]
    """

    def __init__(self, probe: torch.Tensor, gallery: torch.Tensor, metric: str):
        self.probe, self.metric = probe, metric
        channels, self.parts = gallery.shape[1:]
        self.unit = (channels + self.parts + 32) * U
        width = channels if metric == "cos" else channels + 2
        self.gallery = torch.empty(self.parts, len(gallery), width, device=gallery.device)  # [p, G, c (+ 2)]
        if metric == "euc":
            largest = max(float(end.abs()) for side in (probe, gallery) for end in side.aminmax())
            exponent = min(max(int(torch.tensor(largest).frexp().exponent), -100), 100)
            self.scale = 2.0**-exponent  # a power of two, exact: squares neither overflow nor vanish
            total = sum(x.double().sum(0) for x in gallery.split(CHUNK))
            self.centre = (total * (self.scale / len(gallery))).float()  # [c, p]
        self._prepare(gallery, self.gallery, 1)

    def _prepare(self, x, out, factor):
        """Fill [p, n, c + 2] from [n, c, p]: vectors whose products (of factor 1 and -2) are squares; for ``cos`` unit vectors."""
        for rows, into in zip(x.split(CHUNK), out.split(CHUNK, dim=1)):
            if self.metric == "cos":
                rows = rows / torch.linalg.vector_norm(rows, dim=1, keepdim=True, dtype=torch.float64).clamp_(min=1e-12)
                into.copy_(rows.permute(2, 0, 1))
                continue
            rows = (rows * (factor * self.scale)).sub_(factor * self.centre)
            into[:, :, :-2] = rows.permute(2, 0, 1)
            square, one = (-1, -2) if factor == 1 else (-2, -1)
            into[:, :, square] = (rows.double().square_().sum(1) / factor**2).T
            into[:, :, one] = 1
        return out

    def __call__(self, rows: slice) -> tuple[torch.Tensor, torch.Tensor]:
        """Distances of some probes to the whole gallery, and the bounds on their errors; float32 [n, G] each."""
        probe = self.probe[rows]
        probe = self._prepare(probe, self.gallery.new_empty(self.parts, len(probe), self.gallery.shape[2]), -2)  # [p, n, c (+ 2)]
        out = torch.zeros(probe.shape[1], self.gallery.shape[1], device=probe.device)
        with _full_precision(out.device):
            if self.metric == "cos":
                for a, b in zip(probe, self.gallery):
                    out.addmm_(a, b.T)
                return 1 - out.div_(self.parts), out.new_full((1, 1), self.unit).expand_as(out)
            error = torch.zeros_like(out)
            lengths = probe[:, :, -2:-1].sqrt()  # [p, n, 1]
            for start in range(0, out.shape[1], TILE):
                tile = slice(start, start + TILE)
                total, bound = torch.zeros_like(out[:, tile]), torch.zeros_like(out[:, tile])
                square, root = torch.empty_like(total), torch.empty_like(total)
                for a, b, length in zip(probe, self.gallery[:, tile], lengths):
                    worst = (length + b[:, -1].max().sqrt()).square_().mul_(self.unit).clamp_(min=1e-30)  # E, [n, 1]
                    torch.maximum(torch.mm(a, b.T, out=square), worst, out=square)
                    torch.rsqrt(square, out=root)
                    total.addcmul_(square, root)
                    bound.addcmul_(root, worst)
                out[:, tile], error[:, tile] = total, bound
        unit = 1 / (self.parts * self.scale)
        return out.mul_(unit), error.mul_(unit)


@contextlib.contextmanager
def _full_precision(device):
    """Products in float32, also where the host allows TF32 or autocast: the bound rests on it."""
    allowed = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(allowed)

"""shapes10: ten classes of 32 x 32 colour images that the project draws itself.

For tests and machines without internet. Each image shows one figure (:data:`FIGURES`) of any
position, size, orientation and colour, before a background of another colour that fades from one
edge to the other, with bars as clutter and with noise. Colours say nothing about the class, so a
linear classifier hardly gets above guessing; the same figures drawn filled and as outlines, and
figures that differ in one arm, keep small networks below 100 %.

The bytes are the same on every machine: random words come from the Philox bit generator, whose
stream NumPy guarantees, and the arithmetic is element by element with +, -, x, / and square root,
which IEEE 754 rounds in one way only. No sum over elements, no function of a mathematics library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from cimsim.workloads.datasets.dataset import Dataset, PixelImages

SIDE = 32
TRAIN, TEST = 6000, 2000
SEEDS = {"train": 0x5A17, "test": 0x7E57}
"""Philox keys of the two splits."""

WORDS = 64
"""Random words for the parameters of an image; its noise takes further ones."""

NOISE = 22
"""Largest deviation of a colour by noise, of 255 (a sum of two uniform draws)."""
LEAST_CONTRAST = 60
"""Least difference of the figure's colour from the background in the channel that differs most."""
CLUTTER = 2
"""Bars behind the figure."""
DRAWN_TOGETHER = 500
"""Images that are drawn at once, to bound memory; no result depends on it."""

Floats = NDArray[np.float64]
_Draws = Iterator[Floats]
"""Uniform random numbers [n, 1, 1] in [0, 1), one after another."""


def _box(x: Floats, y: Floats, width: float, height: float) -> Floats:
    """Return the distance outside (negative: inside) a box of half sizes `width` and `height`."""
    distance: Floats = np.maximum(np.abs(x) - width, np.abs(y) - height)
    return distance


def _disc(x: Floats, y: Floats, radius: float) -> Floats:
    distance: Floats = np.sqrt(x * x + y * y) - radius
    return distance


def _triangle(x: Floats, y: Floats) -> Floats:
    """An equilateral triangle: sides at distance 0.55 from the centre, at 0 and +-120 degrees."""
    slanted = np.abs(x) * 0.8660254037844386 + y * -0.5
    distance: Floats = np.maximum(slanted, y) - 0.55
    return distance


def _outline(distance: Floats) -> Floats:
    band: Floats = np.abs(distance + 0.16) - 0.16
    return band


def _tee(x: Floats, y: Floats) -> Floats:
    stem, head = _box(x, y - 0.15, 0.22, 0.85), _box(x, y + 0.8, 0.8, 0.22)
    distance: Floats = np.minimum(stem, head)
    return distance


def _ell(x: Floats, y: Floats) -> Floats:
    stem, foot = _box(x + 0.5, y, 0.22, 0.95), _box(x - 0.05, y - 0.75, 0.75, 0.22)
    distance: Floats = np.minimum(stem, foot)
    return distance


def _cross(x: Floats, y: Floats) -> Floats:
    distance: Floats = np.minimum(_box(x, y, 0.22, 0.95), _box(x, y, 0.95, 0.22))
    return distance


def _crescent(x: Floats, y: Floats) -> Floats:
    distance: Floats = np.maximum(_disc(x, y, 0.95), -_disc(x - 0.45, y, 0.75))
    return distance


FIGURES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "disc": lambda x, y: _disc(x, y, 0.9),
    "ring": lambda x, y: _outline(_disc(x, y, 0.9)),
    "square": lambda x, y: _box(x, y, 0.8, 0.8),
    "frame": lambda x, y: _outline(_box(x, y, 0.8, 0.8)),
    "triangle": _triangle,
    "open triangle": lambda x, y: _outline(_triangle(x, y)),
    "cross": _cross,
    "tee": _tee,
    "ell": _ell,
    "crescent": _crescent,
}
"""Figures by class: the distance from the edge (negative inside) at points x, y of which the figure
spans about -1 to 1."""


def draw(split: str, count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the first `count` images uint8 [n, 32, 32, 3] of a split and their labels.

    Image i of a split is the same however many are drawn. Classes follow each other in turn.
    """
    labels = np.arange(count, dtype=np.int64) % len(FIGURES)
    images = np.empty((count, SIDE, SIDE, 3), dtype=np.uint8)
    for start in range(0, count, DRAWN_TOGETHER):
        chosen = slice(start, min(start + DRAWN_TOGETHER, count))
        images[chosen] = _draw(SEEDS[split], start, labels[chosen])
    return images, labels


def shapes10() -> Dataset:
    """Return all images of both splits."""
    train_images, train_labels = draw("train", TRAIN)
    test_images, test_labels = draw("test", TEST)
    return Dataset(
        train_images=PixelImages(train_images),
        train_labels=train_labels,
        test_images=PixelImages(test_images),
        test_labels=test_labels,
        classes=len(FIGURES),
    )


def _draw(seed: int, first: int, labels: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return images first, first + 1, ... with these labels."""
    count, pixels = len(labels), SIDE * SIDE * 3
    words = WORDS + pixels // 4
    raw = np.random.Philox(key=seed, counter=first * words // 4).random_raw(count * words)
    raw = raw.reshape(count, words)
    uniform = (raw[:, :WORDS] >> np.uint64(11)).astype(np.float64) / 2.0**53
    draws = iter(uniform.T[:, :, None, None])

    centre: Floats = np.arange(SIDE, dtype=np.float64) + (0.5 - SIDE / 2)
    x, y = centre[None, None, :], centre[None, :, None]
    colours = _colours(draws)
    background = colours[0] + _fade(draws, x, y)[..., None] * 60.0
    for _ in range(CLUTTER):
        bar, tint = _clutter(draws, x, y), _colour(draws)
        background = background + bar[..., None] * (tint - background) * 0.6
    figure = _coverage(draws, x, y, labels)
    image = background + figure[..., None] * (colours[1] - background)

    octets = raw[:, WORDS:].astype("<u8").view(np.uint8).reshape(count, SIDE, SIDE, 3, 2)
    noise = (octets[..., 0].astype(np.float64) + octets[..., 1] - 255.0) * (NOISE / 255.0)
    return np.rint(np.clip(image + noise, 0.0, 255.0)).astype(np.uint8)


def _colours(draws: _Draws) -> tuple[Floats, Floats]:
    """Return the colours [n, 1, 1, 3] of background and figure, which differ enough to be seen."""
    background, figure = _colour(draws), _colour(draws)
    difference = np.abs(figure - background).max(axis=-1, keepdims=True)
    # A figure that is too close takes the background's opposite in every channel.
    opposite = np.where(background < 128.0, background + 110.0, background - 110.0)
    return background, np.where(difference < LEAST_CONTRAST, opposite, figure)


def _colour(draws: _Draws) -> Floats:
    channels = [next(draws) * 255.0 for _ in range(3)]
    return np.stack(channels, axis=-1)


def _fade(draws: _Draws, x: Floats, y: Floats) -> Floats:
    """Return a slope through the image, -1 to 1 at most."""
    across, down = next(draws) * 2.0 - 1.0, next(draws) * 2.0 - 1.0
    slope: Floats = (x * across + y * down) / SIDE
    return slope


def _turned(draws: _Draws, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the coordinates turned by a random angle.

    A quarter turn at random times an angle of +-45 degrees with tangent of half of it t; its cosine
    and sine are rational in t, so no trigonometric function is needed.
    """
    quarters = np.floor(next(draws) * 4.0)
    t = (next(draws) * 2.0 - 1.0) * 0.41421356237309503
    cosine, sine = (1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t)
    flip, swap = np.where(quarters >= 2.0, -1.0, 1.0), np.floor(quarters / 2.0) * 2.0 != quarters
    c, s = np.where(swap, -sine, cosine) * flip, np.where(swap, cosine, sine) * flip
    return c * x + s * y, c * y - s * x


def _clutter(draws: _Draws, x: Floats, y: Floats) -> Floats:
    """Return the coverage of a long bar anywhere in the image."""
    u, v = _turned(draws, x, y)
    offset = (next(draws) * 2.0 - 1.0) * SIDE / 2
    length = 3.0 + next(draws) * 9.0
    along = (next(draws) * 2.0 - 1.0) * SIDE / 2
    distance = np.maximum(np.abs(u - offset) - 1.2, np.abs(v - along) - length)
    return np.clip(0.5 - distance, 0.0, 1.0)


def _coverage(draws: _Draws, x: Floats, y: Floats, labels: NDArray[np.int64]) -> Floats:
    """Return the share [n, 32, 32] of each pixel that the figure covers."""
    size = 6.5 + next(draws) * 6.0
    room = SIDE / 2 - size
    x = x - (next(draws) * 2.0 - 1.0) * room
    y = y - (next(draws) * 2.0 - 1.0) * room
    u, v = _turned(draws, x, y)
    stretch = 0.85 + next(draws) * 0.3
    u, v = u / size * stretch, v / size / stretch
    distance = np.empty(np.broadcast_shapes(u.shape, v.shape))
    for label, figure in enumerate(FIGURES.values()):
        mine = labels == label
        distance[mine] = figure(u[mine], v[mine])
    return np.clip(0.5 - distance * size, 0.0, 1.0)

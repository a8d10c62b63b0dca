"""Writes draw_table.hpp to the standard output.

A draw u of 16 bits stands for the share [u, u + 1) / 2**16 of the normal distribution, and its
number is the mean of that share. With v = min(u, ~u) it is -magnitude(v) for u below 2**15 and
+magnitude(v) above, in units of 1 / DRAW_SCALE:

    v >= 1024        segment 32 + v // 1024, cubic in x = (v % 1024) / 512 - 1
    32 <= v < 1024   segment v // 32, cubic in x = (v % 32) / 16 - 1
    1 <= v < 32      a table
    v == 0           a word of 32 bits decides (see docs/simulator.md)

The kernels evaluate the cubics by Horner's rule with products of 16 bits, (a * b + 2**14) >> 15,
where x is an integer over 2**15; least squares over the integers of a segment.
"""

import numpy as np
from scipy.stats import norm

DRAW_SCALE = 5120
"""So that the largest number of a 32-bit word, 6.34, fits 16 bits with a sign."""

SHARES = 1 << 16


def magnitudes() -> np.ndarray:
    """Return minus the means of the shares of the lower half, [2**15], times the scale."""
    edges = norm.ppf(np.arange(SHARES // 2 + 1) / SHARES)
    return np.diff(norm.pdf(edges)) * SHARES * DRAW_SCALE


def places(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return segments and places x * 2**15 of draws v."""
    tail = v < 1024
    x = (np.where(tail, v << 11, v << 6) & 0xFFFF) - 0x8000
    return np.where(tail, v >> 5, 32 + (v >> 10)), x


def coefficients(values: np.ndarray) -> np.ndarray:
    """Return integer coefficients [degree][segment]; the lower ones are fitted to the rounding of
    the higher ones."""
    v = np.arange(SHARES // 2)
    segment, x = places(v)
    table = np.zeros((4, 64))
    for s in set(segment[v >= 32]):
        here = (segment == s) & (v >= 32)
        place, left = x[here] / 2.0**15, values[here].copy()
        for degree in (3, 2, 1, 0):
            fit = np.polynomial.polynomial.polyfit(place, left, degree)
            table[degree, s] = np.rint(fit[degree])
            left -= table[degree, s] * place**degree
    return table


def show(name: str, values: np.ndarray) -> None:
    print(f"alignas(64) inline constexpr int16_t {name}[{len(values)}] = {{")
    for start in range(0, len(values), 12):
        print("    " + " ".join(f"{round(v)}," for v in values[start : start + 12]))
    print("};")


def main() -> None:
    values = magnitudes()
    print("// Written by make_draw_table.py, which derives it. Do not edit.")
    print("#pragma once\n\n#include <cstdint>\n\nnamespace cimsim::kernels {\n")
    print(f"inline constexpr int kDrawScale = {DRAW_SCALE};\n")
    print("// clang-format off")
    for degree, row in enumerate(coefficients(values)):
        show(f"kDraw{degree}", row)
    show("kFarDraws", np.concatenate([[0.0], values[1:32]]))
    print("// clang-format on\n\n}  // namespace cimsim::kernels")


if __name__ == "__main__":
    main()

"""Writes draw_table.hpp to the standard output.

The standard normal number of a 16-bit draw u stands for the whole share [u, u + 1) / 2**16 of the
distribution: its conditional mean there. With v = min(u, ~u), the number is -magnitude(v) in the
lower half and +magnitude(v) in the upper one, in units of 1 / 4096:

    v >= 512        quadratic in v % 512 around the middle of one of 64 segments of 512
    16 <= v < 512   linear in v % 8 around the middle of one of 64 segments of 8
    1 <= v < 16     a table
    v == 0          16 more bits decide (see docs/simulator.md)

Least squares over the integers of a segment; the products are 16-bit with rounding.
"""

import numpy as np
from scipy.stats import norm

SCALE = 4096.0
DRAWS = 1 << 16


def magnitudes() -> np.ndarray:
    """Return -E[z | share v] of the lower half, [2**15], times the scale."""
    edges = norm.ppf(np.arange(DRAWS // 2 + 1) / DRAWS)
    return np.diff(norm.pdf(edges)) * DRAWS * SCALE


def fit(values: np.ndarray, degree: int) -> np.ndarray:
    """Return coefficients, constant first, of each row in x = (2 k + 1 - n) / n."""
    count = values.shape[1]
    x = (2.0 * np.arange(count) + 1.0) / count - 1.0
    return np.polynomial.polynomial.polyfit(x, values.T, degree)


def show(name: str, values: np.ndarray) -> None:
    print(f"alignas(64) inline constexpr int16_t {name}[{len(values)}] = {{")
    for start in range(0, len(values), 12):
        print("    " + " ".join(f"{int(round(v))}," for v in values[start : start + 12]))
    print("};")


def main() -> None:
    values = magnitudes()
    near = fit(values.reshape(64, 512), 2)
    near[:, 0] = 0.0  # v < 512 is the tail
    tail = fit(values[:512].reshape(64, 8), 1)
    tail[:, :2] = 0.0
    print("// Written by make_draw_table.py, which derives it. Do not edit.")
    print("#pragma once\n\n#include <cstdint>\n\nnamespace cimsim::kernels {\n")
    print("// clang-format off")
    for k in range(3):
        show(f"kNear{k}", near[k])
    for k in range(2):
        show(f"kTail{k}", tail[k])
    show("kFarTailNumbers", np.concatenate([[0.0], values[1:16]]))
    print("// clang-format on\n\n}  // namespace cimsim::kernels")


if __name__ == "__main__":
    main()

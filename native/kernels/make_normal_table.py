"""Writes normal_table.hpp to the standard output.

The inverse of the normal distribution, one polynomial for each octave of the tail probability.
A 32-bit word w has the probability (w + 1/2) / 2**32. With t = min(w, ~w) the tail on the nearer
side is p = (t + 1/2) / 2**32, in (0, 1/2]. In the octave of p, with m = 2**-e p in [1, 2) and
s = m - 3/2, Phi^-1(p) is a polynomial in s, fitted at Chebyshev nodes (Trefethen, "Approximation
Theory and Approximation Practice", chapters 4 and 8: it is analytic up to p = 0, so that the error
falls by a factor of 3 + sqrt(8) with each degree).
"""

import numpy as np
from numpy.polynomial import chebyshev
from scipy.special import ndtri

DEGREE = 6
NODES = 64
LOWEST_EXPONENT = 126  # exponent field of t + 1/2 as a float: 126 (t = 0) to 157 (t = 2**31 - 1)


def coefficients(exponent_field: int) -> np.ndarray:
    """Return coefficients, constant first, for t + 1/2 with that exponent field as a float32."""
    x = np.cos((np.arange(NODES) + 0.5) * np.pi / NODES)
    tail = (x / 2 + 1.5) * 2.0 ** (exponent_field - 127 - 32)
    fit = chebyshev.chebfit(x, ndtri(tail), DEGREE)
    return (chebyshev.cheb2poly(fit) * 2.0 ** np.arange(DEGREE + 1)).astype(np.float32)


def main() -> None:
    table = np.zeros((DEGREE + 1, 32), dtype=np.float32)
    for field in range(LOWEST_EXPONENT, LOWEST_EXPONENT + 32):
        table[:, field & 31] = coefficients(field)
    print("// Written by make_normal_table.py, which derives it. Do not edit.")
    print("#pragma once\n\nnamespace cimsim::kernels {\n")
    print(f"inline constexpr int kNormalDegree = {DEGREE};\n")
    print("// Coefficient of s^k for the exponent field e of t + 1/2: kNormalTable[k][e & 31].")
    print("// clang-format off")
    print("inline constexpr float kNormalTable[kNormalDegree + 1][32] = {")
    for row in table:
        print("    {")
        for start in range(0, 32, 4):
            print("        " + " ".join(f"{float(v):.9e}f," for v in row[start : start + 4]))
        print("    },")
    print("};\n// clang-format on\n\n}  // namespace cimsim::kernels")


if __name__ == "__main__":
    main()

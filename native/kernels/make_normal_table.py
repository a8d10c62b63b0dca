"""Writes normal_table.hpp to the standard output.

The inverse of the normal distribution, one polynomial for each octave of the tail probability.
A 32-bit word w has the probability (w + 1/2) / 2**32. With t = min(w, ~w) the tail on the nearer
side is p = (t + 1/2) / 2**32, in (0, 1/2]. In the octave of p, with m = 2**-e p in [1, 2) and
s = m - 3/2, Phi^-1(p) is a polynomial in s, fitted at Chebyshev nodes (Trefethen, "Approximation
Theory and Approximation Practice", chapters 4 and 8: it is analytic up to p = 0, so that the error
falls by a factor of 3 + sqrt(8) with each degree).

The coarse polynomials serve where the ADC code does not depend on the difference.
"""

import numpy as np
from numpy.polynomial import chebyshev, polynomial
from scipy.special import ndtri

DEGREE, COARSE_DEGREE = 6, 3
NODES = 64
EXPONENT_FIELDS = range(126, 158)  # of t + 1/2 as a float32: 126 for t = 0, 157 for t = 2**31 - 1


def tail(s: np.ndarray, field: int) -> np.ndarray:
    """Return p for s in [-1/2, 1/2) of an octave."""
    return (s + 1.5) * 2.0 ** (field - 127 - 32)


def coefficients(field: int, degree: int) -> np.ndarray:
    """Return the coefficients of an octave, constant first."""
    x = np.cos((np.arange(NODES) + 0.5) * np.pi / NODES)
    fit = chebyshev.chebfit(x, ndtri(tail(x / 2, field)), degree)
    return (chebyshev.cheb2poly(fit) * 2.0 ** np.arange(degree + 1)).astype(np.float32)


def table(degree: int) -> np.ndarray:
    """Return coefficients [degree + 1, field & 31]."""
    result = np.zeros((degree + 1, 32), dtype=np.float32)
    for field in EXPONENT_FIELDS:
        result[:, field & 31] = coefficients(field, degree)
    return result


def largest_difference(fine: np.ndarray, coarse: np.ndarray) -> float:
    """Return the largest difference of the polynomials of an octave, over all octaves."""
    s = np.linspace(-0.5, 0.5, 4001)
    return max(
        float(np.abs(polynomial.polyval(s, one) - polynomial.polyval(s, other)).max())
        for one, other in zip(fine.T.astype(float), coarse.T.astype(float), strict=True)
    )


def print_table(name: str, degree: str, values: np.ndarray) -> None:
    print(f"inline constexpr float {name}[{degree} + 1][32] = {{")
    for row in values:
        print("    {")
        for start in range(0, 32, 4):
            print("        " + " ".join(f"{float(v):.9e}f," for v in row[start : start + 4]))
        print("    },")
    print("};")


def main() -> None:
    fine, coarse = table(DEGREE), table(COARSE_DEGREE)
    print("// Written by make_normal_table.py, which derives it. Do not edit.")
    print("#pragma once\n\nnamespace cimsim::kernels {\n")
    print(f"inline constexpr int kNormalDegree = {DEGREE};")
    print(f"inline constexpr int kCoarseDegree = {COARSE_DEGREE};\n")
    print("// Bound of the difference between the two, with a margin of a quarter.")
    print(
        f"inline constexpr float kCoarseError = {1.25 * largest_difference(fine, coarse):.3e}f;\n"
    )
    print("// Coefficient of s^k for the exponent field e of t + 1/2: kNormalTable[k][e & 31].")
    print("// clang-format off")
    print_table("kNormalTable", "kNormalDegree", fine)
    print()
    print_table("kCoarseTable", "kCoarseDegree", coarse)
    print("// clang-format on\n\n}  // namespace cimsim::kernels")


if __name__ == "__main__":
    main()

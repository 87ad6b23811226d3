"""The coefficients of the polynomials in this folder: minimax fits by Remez's exchange, relative to what is computed.

Coefficients are rounded to f32 from the first on, and the rest fitted again. Needs mpmath.

    python polynomials.py
"""

import struct

import mpmath
from mpmath import erf, erfc, expm1, log, log1p, matrix, mp, mpf, sqrt

mp.dps = 40
POINTS = 2000


def to_f32(x):
    return mpf(struct.unpack("f", struct.pack("f", float(x)))[0])


def minimax(target, powers, weight, low, high):
    """The c with the least largest |weight(x) · (target(x) - Σ cᵢ x^powersᵢ)|."""
    low, high, n = mpf(low), mpf(high), len(powers)
    middle, half = (low + high) / 2, (high - low) / 2
    extrema = [middle - half * mpmath.cos(mpmath.pi * (2 * i + 1) / (2 * n + 2)) for i in range(n + 1)]
    grid = [low + (high - low) * i / POINTS for i in range(POINTS + 1)]
    rows = [(weight(x), target(x), [x**p for p in powers]) for x in grid]
    for _ in range(12):
        a, b = matrix(n + 1, n + 1), matrix(n + 1, 1)
        for i, x in enumerate(extrema):
            w = weight(x)
            for j, p in enumerate(powers):
                a[i, j] = w * x**p
            a[i, n], b[i] = (-1) ** i, w * target(x)
        c = list(mpmath.lu_solve(a, b))[:n]
        errors = [w * (t - sum(x * y for x, y in zip(c, row))) for w, t, row in rows]
        runs = [[0]]
        for i in range(1, len(grid)):
            if (errors[i] > 0) == (errors[runs[-1][0]] > 0):
                runs[-1].append(i)
            else:
                runs.append([i])
        peaks = [max(run, key=lambda i: abs(errors[i])) for run in runs]
        while len(peaks) > n + 1:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        if len(peaks) < n + 1 or [grid[i] for i in peaks] == extrema:
            break
        extrema = [grid[i] for i in peaks]
    return c


def fit(name, target, degree, weight, low, high):
    done = []
    for i in range(degree + 1):
        rest = lambda x: target(x) - sum(c * x**p for p, c in enumerate(done))
        done.append(to_f32(minimax(rest, range(i, degree + 1), weight, low, high)[0]))
    error = max(
        abs(weight(x) * (target(x) - sum(c * x**p for p, c in enumerate(done))))
        for x in (low + (high - low) * mpf(i) / 3001 for i in range(3002))
    )
    print(f"{name}: error 2^{float(mpmath.log(error, 2)):.1f}:", *(f"{float(c):.9g}" for c in done))


def near_zero(f, limit):
    return lambda x: f(x) if abs(x) > mpf(10) ** -12 else limit


half_ln_2 = log(2) / 2 * mpf("1.0002")
fit("(exp(r) - 1 - r) / r²", near_zero(lambda x: (expm1(x) - x) / x**2, mpf(1) / 2), 4,
    near_zero(lambda x: abs(x * x / expm1(x)), 0), -half_ln_2, half_ln_2)
fit("(ln(1 + f) - f + f²/2) / f³", near_zero(lambda x: (log1p(x) - x + x * x / 2) / x**3, mpf(1) / 3), 8,
    near_zero(lambda x: x**3 / log1p(x), 0), sqrt(mpf(1) / 2) - 1 - mpf(2) ** -22, sqrt(mpf(2)) - 1 + mpf(2) ** -22)
artanh = near_zero(lambda z: (mpmath.atanh(sqrt(z)) / sqrt(z) - 1) / z, mpf(1) / 3)
fit("(artanh(s) / s - 1) / s² of s²", artanh, 4, lambda z: z / (1 + z * artanh(z)), mpf(0), mpf("0.1112"))
near = near_zero(lambda z: erf(sqrt(z)) / sqrt(z) - 1, 2 / sqrt(mpmath.pi) - 1)
fit("erf(x) / x - 1 of x²", near, 6, lambda z: 1 / (1 + near(z)), mpf(0), mpf(1))
fit("-ln(1 - erf(x))", lambda x: -log(erfc(x)), 6, lambda x: erfc(x) / erf(x), mpf(1), mpf(4))

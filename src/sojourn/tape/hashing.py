"""Turns names into 63-bit numbers and numbers into chances, the same ones for ever and on every machine."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from sojourn.tape.tape import Floats, Ints

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def hash_text(text: str) -> int:
    """The text's hash, 1 to 2**63 - 1: the first 8 bytes of BLAKE2b (RFC 7693)."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1 or 1


def mix(*parts: Ints | int) -> Ints:
    """One hash an element, int64[n] of 1 to 2**63 - 1, of columns int64[n] and single numbers.

    The order of the parts counts.  Each is folded in by a round of splitmix64 (Steele, Lea and
    Flood: Fast Splittable Pseudorandom Number Generators, 2014).  Single numbers alone give int64[1].
    """
    state = np.zeros(1, np.uint64)
    for part in parts:
        column = np.atleast_1d(np.asarray(part, np.int64)).view(np.uint64)
        state = _round((state ^ column) + _GOLDEN)  # single numbers at first are folded in once, not n times
    hashes = (state >> np.uint64(1)).astype(np.int64)
    return np.maximum(hashes, 1)


def share(hashes: Ints) -> Floats:
    """Where each hash stands among all, float64[n] in [0, 1): below 0.1 for a tenth of them."""
    # 53 bits are what a float64 holds exactly, so that rounding never reaches 1.
    return (hashes >> np.int64(10)).astype(np.float64) * 2.0**-53


def _round(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))

"""A bitmap: some customers of one partition, packed; bit i stands for the partition's i-th customer."""

from __future__ import annotations

import numpy as np

from sojourn.store.partitions import PARTITIONS
from sojourn.tape.tape import Bools, Ints


def holds(packed: bytes, customers: Ints) -> Bools:
    """Which of m customers, all of the bitmap's partition, are in it: bool[m]."""
    octets, places = np.frombuffer(packed, np.uint8), customers // PARTITIONS
    if not len(octets):
        return np.zeros(len(customers), np.bool_)
    there = places < 8 * len(octets)
    octet = octets[np.where(there, places >> 3, 0)]
    found: Bools = there & ((octet >> (places & 7).astype(np.uint8)) & 1).astype(np.bool_)
    return found


def changed(packed: bytes, customers: Ints, inside: Bools) -> bytes:
    """The bitmap after these customers (m different ones) have entered it, or left."""
    if not len(customers):
        return packed
    places = customers // PARTITIONS
    octets = np.zeros(max(len(packed), int(places.max()) // 8 + 1), np.uint8)
    octets[: len(packed)] = np.frombuffer(packed, np.uint8)
    bits = np.left_shift(1, places & 7).astype(np.uint8)
    np.bitwise_and.at(octets, places >> 3, ~bits)
    np.bitwise_or.at(octets, places[inside] >> 3, bits[inside])
    return octets.tobytes()


def members(packed: bytes, partition: int) -> Ints:
    """The customers in it, in order."""
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")
    return np.flatnonzero(bits) * PARTITIONS + partition

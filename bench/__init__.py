"""Measures what the project promises to reach, as ratios within one run."""

from __future__ import annotations

from sojourn import kernel_cache

kernel_cache.settle()

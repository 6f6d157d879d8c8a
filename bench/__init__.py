"""Measures what the project promises to reach, as ratios within one run."""

from __future__ import annotations

import sys
from pathlib import Path

from sojourn import kernel_cache

kernel_cache.choose()
sys.path.append(str(Path(__file__).parent.parent / "tools"))  # where the server of PostgreSQL is

"""What all tests share: where kernels are kept, and how Hypothesis searches.

`make test` draws the same examples every time, so a red build is red again; a wider search is
`HYPOTHESIS_PROFILE=explore make test`.  No deadline: the first call of a kernel may compile it.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

from sojourn import kernel_cache

kernel_cache.settle()

settings.register_profile(
    "house",
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "explore", parent=settings.get_profile("house"), derandomize=False, max_examples=1000
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))

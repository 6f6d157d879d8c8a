"""Takes out of a value what was to be expected of the customer before: differences are seen sooner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sojourn.tape.tape import Floats


@dataclass(frozen=True, eq=False)
class Adjusted:
    """The values less what the past told of them, and how strongly it told."""

    values: Floats  # float64[n], with the mean of the given ones
    theta: float
    explained: float  # the share of the variance that is gone: the squared correlation


def adjusted(values: Floats, before: Floats) -> Adjusted:
    """Values float64[n] less θ times how far the same customer's value `before` was from the mean.

    θ = cov(Y, X) / var(X), over all arms together (Deng, Xu, Kohavi and Walker 2013: CUPED).  Customers
    without a past (NaN in `before`) are left as they are: they have no part in θ or in the mean of X.
    """
    known = ~np.isnan(before)
    past, now = before[known], values[known]
    spread = float(past.var()) if len(past) > 1 else 0.0
    if not spread:
        return Adjusted(values, 0.0, 0.0)
    away = past - past.mean()
    theta = float(np.mean(away * (now - now.mean()))) / spread
    kept = values.copy()
    kept[known] = now - theta * away
    before_cut = float(values.var())
    return Adjusted(kept, theta, 1 - float(kept.var()) / before_cut if before_cut else 0.0)

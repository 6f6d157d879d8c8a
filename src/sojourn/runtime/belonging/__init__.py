"""Who belongs to which segment: followed in ticks and backtests, and kept as bitmaps."""

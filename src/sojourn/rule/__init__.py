"""The condition language: one reading of rules over traits and tapes, always for a batch of customers."""

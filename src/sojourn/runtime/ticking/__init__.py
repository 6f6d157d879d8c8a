"""Ticking: the live driver, what it keeps in memory, what it writes, and the worker that calls it."""

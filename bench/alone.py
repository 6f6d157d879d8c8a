"""Runs one bench in a fresh process, so that none finds memory, caches or threads of another."""

from __future__ import annotations

import importlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from bench.row import Row


def alone(name: str, *, small: bool) -> list[Row] | BaseException:
    """The rows that one bench measures, or what broke it."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        future = process.submit(measured, name, small=small)
        return future.exception() or future.result()


def measured(name: str, *, small: bool) -> list[Row]:
    """The rows that one bench measures in this process."""
    found: list[Row] = importlib.import_module(f"bench.{name}").measure(small=small)
    return found

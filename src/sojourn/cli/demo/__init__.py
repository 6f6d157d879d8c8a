"""The demo: the whole of Sojourn on real input, with a clock that runs fast and numbers that must agree."""

"""The questions that are asked of many customers at once, each one a loop over a tape's columns."""

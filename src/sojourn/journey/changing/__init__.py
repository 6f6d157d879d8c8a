"""Changing: what two versions have not in common, and where runs of one stand in the other."""

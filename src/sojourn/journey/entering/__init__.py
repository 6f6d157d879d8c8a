"""Entering: what triggers a journey, who enters by it, and who is held out."""

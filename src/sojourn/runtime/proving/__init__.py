"""Proving: what a published journey is to be asked, so that what it did can be told from chance."""

"""Journeys: what they are, how runs move through them, and what they ask of the world."""

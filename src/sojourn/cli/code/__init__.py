"""Journeys as code: folders of definitions, what is to change in them, and how a plan is shown."""

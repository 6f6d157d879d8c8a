"""The text of journeys: YAML that people write, and the plain data that it means."""

from sojourn.journey.text.journey import data_of, journey_of, read_journey, write_journey
from sojourn.journey.text.source import line_of
from sojourn.journey.text.steps import kinds

__all__ = ["data_of", "journey_of", "kinds", "line_of", "read_journey", "write_journey"]

"""The questions that a team asks about its customers' journeys, answered from their tapes."""

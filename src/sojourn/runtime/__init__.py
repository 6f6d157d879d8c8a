"""The drivers: what runs journeys live and over history, sends what they ask, and keeps events at rest."""

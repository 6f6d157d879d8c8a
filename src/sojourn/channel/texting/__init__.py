"""Text messages: their numbers, their length, what people answer, and what Twilio tells of them."""

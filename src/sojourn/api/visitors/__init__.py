"""The pages and links that customers meet: they work without scripts and without an account."""

"""The dispatcher: carries planned effects out into the world, the intent on disk before the first byte."""

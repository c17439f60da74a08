"""Yes/no classes: how well they are read, and how a score becomes a probability and a verdict."""

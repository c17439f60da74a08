"""Yes/no classes: how well they are told, and how a score becomes a probability and a verdict."""

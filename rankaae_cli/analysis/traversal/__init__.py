"""The spectrum's response to each style."""

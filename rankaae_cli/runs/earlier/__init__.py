"""Earlier runs that a training rests on: the one it begins from, and the one it is taught by."""

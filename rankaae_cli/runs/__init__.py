"""Run directories: what a run leaves, which there are, how one goes on."""

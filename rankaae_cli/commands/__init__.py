"""One file a command, one run(cfg) each, and the run directory."""

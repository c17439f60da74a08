"""What ``import rankaae_cli`` offers to Python: models, spectra and families, without a command line."""

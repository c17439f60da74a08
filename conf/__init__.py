"""Hydra configuration of rankaae; installed as the package ``rankaae_cli.conf``."""

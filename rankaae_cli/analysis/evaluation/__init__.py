"""How well a model reads descriptors and reconstructs spectra."""

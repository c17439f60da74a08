"""What styles of a latent space are: coupled, disentangled, leaking, associated, walked."""

"""The rank-constrained adversarial autoencoder."""

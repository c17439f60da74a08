"""From a scan to a normalised spectrum on a grid."""

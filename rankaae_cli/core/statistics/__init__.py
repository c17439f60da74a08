"""Correlations, intervals, calibration, classification, novelty, mixtures."""

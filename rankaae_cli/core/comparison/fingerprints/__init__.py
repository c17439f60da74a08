"""Clusters of spectra without labels: what stands for a spectrum, how clusters are sought, which are reliable."""

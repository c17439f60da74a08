"""Readers of single scans, as beamlines and their programs write them."""

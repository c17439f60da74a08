"""X-ray absorption spectra: grids, edges, normalisation, offsets, glitches."""

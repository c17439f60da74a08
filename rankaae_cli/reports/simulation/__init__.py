"""What is written of simulated spectra: of structures with a ranking of them, and of the evaluation of a run."""

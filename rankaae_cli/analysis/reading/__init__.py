"""What readings rest on: regions of the spectrum, mixtures that were trained on, and how many rows there were."""

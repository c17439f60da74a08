"""What the codes themselves write: OCEAN, exciting, XSpectra, VASP, FEFF, FDMNES and tables of two columns."""

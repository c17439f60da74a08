"""The page of a prediction, and sheets of normalised scans."""

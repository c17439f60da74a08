"""Many runs of one call: sweepers, launchers, searches."""

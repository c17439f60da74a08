from tests.copper_run import folder, work  # noqa: F401

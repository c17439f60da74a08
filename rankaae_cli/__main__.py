"""``python -m rankaae_cli``."""

import sys

from rankaae_cli.cli import main

sys.exit(main())

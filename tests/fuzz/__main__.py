"""``python -m fuzz``."""

import sys

from fuzz.job import main

sys.exit(main())

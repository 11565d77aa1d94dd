"""``python -m kills``."""

import sys

from kills.job import main

if __name__ == "__main__":
    sys.exit(main())

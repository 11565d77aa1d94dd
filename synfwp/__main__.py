"""``python -m synfwp`` is the command ``synfwp``."""

from synfwp.cli import main

if __name__ == "__main__":
    main()

"""A new process that imports synfwp and runs one scan: ``python -m harness.start [0,1] 1700000000.0``.

The number is the time at which the process was started. Nothing is imported before it is timed.
"""

import json
import sys
import time


def main() -> None:
    """Print the seconds of each part as JSON."""
    started, begun = float(sys.argv[2]), time.time()
    import synfwp as fw

    synfwp_imported = time.time()
    import numba  # noqa: F401 -- its own import is not counted

    numba_imported = time.time()
    import numpy as np

    x = np.ones((1, 16, 8), np.float32)
    fw.scan("delta", x, x / 8, x, np.ones((1, 16), np.float32))
    end = time.time()
    found = {
        "import_s": synfwp_imported - begun,
        "first_scan_s": end - numba_imported,
        "from_process_start_s": end - started,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()

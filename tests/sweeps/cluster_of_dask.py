"""A cluster of Dask in a process of its own: prints its address, and ends with its standard input."""

import sys

if __name__ == "__main__":
    from distributed import LocalCluster  # where tests collect this file it may be absent

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()

"""A sweep on a cluster, in a process that the tests kill: store, log and address of the scheduler."""

import sys

import swept

import synfwp as fw

if __name__ == "__main__":
    store, log, address = sys.argv[1:]
    fw.sweep(swept.memory, swept.GRID, seeds=20, fixed={"log": log, "pause": 0.02}, store=store, on=address)

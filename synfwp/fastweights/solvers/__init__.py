"""One file for each way to solve a rule: forward and adjoint."""

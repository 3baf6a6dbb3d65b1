"""Metrics: one family a file, each with its formula and its source; every function scores one question."""

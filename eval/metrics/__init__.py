"""Metrics, one family a module, with formulas and sources. Each function scores one question."""

"""Metrics, one module for each family, with formulas and sources. Each function scores one question."""

"""Evaluation: gold questions, metrics and the gate."""

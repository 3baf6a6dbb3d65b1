"""Labelled pairs of articles, to measure the detection of copies and conflicts; see README.md."""

"""Citations: find the markers, assemble sentences, locate the quote, and check that it supports the sentence."""

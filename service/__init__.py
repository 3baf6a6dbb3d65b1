"""A question to a cited answer: retrieve, read, and prove every sentence before a reader sees it."""

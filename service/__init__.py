"""A question to a cited answer: retrieve, read, and check every sentence before a reader sees it."""

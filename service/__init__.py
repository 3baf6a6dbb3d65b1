"""A question to a cited answer: retrieve, read, and verify every sentence before a user sees it."""

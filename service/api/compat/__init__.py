"""OpenAI's API, so that its clients work unchanged: chat completions, responses and models."""

"""The surface for clients of OpenAI's API, which work unchanged: chat completions and models."""

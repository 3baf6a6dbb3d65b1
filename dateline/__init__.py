"""The command line: one module a command, which calls the package that does the work."""

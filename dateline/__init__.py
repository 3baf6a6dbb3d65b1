"""The command line: one file a command, each handing over to the package that does the work."""

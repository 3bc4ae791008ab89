"""Verbs of the command line in modules of their own, each imported when it is called."""

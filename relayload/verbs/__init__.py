"""The verbs of the command line, each in a module of its own that is imported when the verb is called."""

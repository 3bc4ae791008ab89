"""Renders what came of a run as one page of HTML that needs nothing else, for people to look at and to pass on."""

"""A process that renders the page of a run that goes on, so that nobody who sends requests has to."""

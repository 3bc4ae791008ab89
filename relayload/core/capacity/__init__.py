"""The capacity search: from the trials so far to the next trial or the answer."""

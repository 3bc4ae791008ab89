"""What a relay adds: from the records of paired requests to differences with intervals, above a measured floor."""

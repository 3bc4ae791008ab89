"""What a run is made of: structs, and nothing that computes."""

"""Tells workers of another version of relayload than their master's, whose messages may mean something else."""


def other_version(worker: str, master: str) -> str | None:
    """Return why a worker with that version takes no part in the runs of such a master; None if both are the same."""
    if worker == master:
        return None
    return f"a worker has relayload {worker}, and the master {master}: install the same version on both"

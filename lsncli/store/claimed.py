"""Which runs somebody trains at this moment, as far as another process can tell."""

from __future__ import annotations

from lsncli.store.claims import ClaimStore

#: Seconds without a heartbeat after which a claimant on another machine counts as dead (a dozen beats).
_SILENT = 120.0


def claimed_runs(store: ClaimStore) -> frozenset[str]:
    """The keys of the runs whose claimant lives, or cannot be told to have ended."""
    found = set()
    for key, entry in store.claims().items():
        lives = entry.lives()
        if lives or (lives is None and entry.silent <= _SILENT):
            found.add(key)
    return frozenset(found)

"""HTML pages that need no kernel and no network."""

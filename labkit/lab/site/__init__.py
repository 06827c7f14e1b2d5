"""The static site: every lesson as a page, an index, search, the results board and the ledger."""

"""One lesson over many parameters: planned, shared out, watched and resumed."""

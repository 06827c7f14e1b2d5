"""What a run found: written by a lesson's kernel, kept in its folder, read back."""

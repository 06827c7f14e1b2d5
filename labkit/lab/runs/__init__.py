"""One run of a lesson: from validated parameters to a folder with notebook, page and record."""

"""The results explorer: all runs of a sweep, filtered, grouped, compared, and opened.

It computes in the page (labkit/explore/js/board), so that thousands of runs answer at once, also in
an HTML page without a kernel. Python computes the same, module by module, for `text`, `shown`,
`best` and the picture in an executed copy; tests/explore/test_results.py holds the two together,
and both to pandas.
"""

"""Benchmarks: ratios of ours to a bare or a stock way, measured side by side in one run.

`make bench` prints a table and exits 1 where a ratio misses its mark. Nothing here is a test:
how fast a machine is says nothing about whether the code is right.
"""

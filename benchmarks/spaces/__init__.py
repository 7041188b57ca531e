"""A problem's space, a list of dicts, in the terms of the libraries that several suites compare.

Workers in every library's own environment import what they need of it: nothing here needs more
than that library.
"""

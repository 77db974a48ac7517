"""Claiming: a box of devices shares one code, and each exchanges it for a secret of its own.

`codes` makes, lists and ends the codes, `exchange` gives a device what it claims, `route` is the
HTTP path at which it asks. Decision 0034 says why it is done so.
"""

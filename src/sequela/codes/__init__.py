"""Code systems of medicine as pure functions: how codes are written, what is broader than they are, what they map to.

Codes are named SYSTEM//code. The tables that come along are works of the United States government; names of ATC are WHO's and are
not here. Nothing is downloaded.
"""

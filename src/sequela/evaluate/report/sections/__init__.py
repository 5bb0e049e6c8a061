"""The sections of the report, one idea a file; each gives its markup, or nothing where it does not apply."""

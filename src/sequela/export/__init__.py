"""Answers as files that other programs read: masks as NIfTI, DICOM SEG or PNG, in the geometry of what was read."""

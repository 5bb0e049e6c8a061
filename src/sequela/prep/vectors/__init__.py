"""Vectors of words that an encoder begins at: learnt from the training text alone (skipgram), or read from a file (file)."""

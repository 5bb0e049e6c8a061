"""Text as characters: documents, words, sentences, sections, what is denied. Every place counts in characters of the document."""

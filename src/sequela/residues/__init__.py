"""Sequences of residues as letters: DNA, RNA, proteins, molecules as SMILES. Every place counts in letters, from 0."""

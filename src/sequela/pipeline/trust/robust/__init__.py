"""Spoilt rows answered and judged.

asking  who is asked, and which rows are refused
work    the rows, what was said of them unspoilt, and by what they are judged
curves  kinds of spoiling from level to level
tables  single channels and units
"""

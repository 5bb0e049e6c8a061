"""The clinical question made into rows: cohort, what is known of each, its part, and whether anything gives the answer away."""

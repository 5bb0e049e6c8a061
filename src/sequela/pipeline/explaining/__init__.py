"""The parts of an examined explanation: what is explained, how it is checked, what was planted, what matters, single rows."""

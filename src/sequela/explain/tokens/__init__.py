"""What an answer about a text rests on, word by word."""

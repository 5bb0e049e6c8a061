"""What an answer rests on, point by point of a picture."""

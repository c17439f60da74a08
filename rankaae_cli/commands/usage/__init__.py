"""What a call is told of itself: its help, and what was wrong with it."""

"""What is true now: the board, its figures, and how changes reach every screen."""

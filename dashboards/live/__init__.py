"""The present: the board, its figures, and the stream that brings changes to every screen."""

"""What alerts was given: plans, rotas, ladders and settings, now or at a moment of the past.

`plans` (edge) writes and reads the rows; `roster` and `rota` are frozen snapshots of people and
turns; `undoing` and `past` go back to the town as it was.
"""

"""The plans of the town: people, ladders, rotas, visits, rule settings and their versions."""

"""The watchers: flaws of the rota, how soon people answered, buttons that nobody tests."""

"""What alerts is given: plans, rotas, versions of the rule settings."""

"""Who is asking and what they may do: sign-ins, sessions, tokens of walls, rights of roles."""

"""Who is asking: sign-ins, sessions, the wall's token, what each role may see."""

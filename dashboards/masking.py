"""Names as a visitor may see them: a wall is read by everybody in the room."""


def mask_name(name: str) -> str:
    """Return the first letter and two stars ("王淑兰" -> "王**"); "" stays ""."""
    name = name.strip()
    return f"{name[0]}**" if name else ""

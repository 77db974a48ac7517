"""Names and numbers as a visitor may see them: a wall is read by everybody in the room."""


def mask_name(name: str) -> str:
    """The first letter and two stars ("王淑兰" -> "王**"); "" stays ""."""
    name = name.strip()
    return f"{name[0]}**" if name else ""


def mask_phone(phone: str) -> str:
    """The last four digits behind stars; a shorter number is stars alone."""
    digits = [character for character in phone if character.isdigit()]
    if not digits:
        return ""
    return "***" + "".join(digits[-4:]) if len(digits) > 6 else "***"

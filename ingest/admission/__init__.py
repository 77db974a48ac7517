"""What a message becomes: readings, rejections, or nothing that is kept. Pure."""

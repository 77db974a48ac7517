"""Turns a message into readings, rejections, or nothing that is kept. Pure."""

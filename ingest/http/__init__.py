"""Takes messages by HTTP: who may send, and what they are answered."""

"""What is counted about alerts: load, floods, answering, tests of buttons. Pure."""

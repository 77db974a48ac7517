"""Settings tried on what is stored, before they wake anyone: the edges of a trial.

`stored` reads the past, `trials` keeps what was asked and what came out, `process` runs one in a
process of its own, `enabling` brings what was tried into force. The door is `alerts.trials`.
"""

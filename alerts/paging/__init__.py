"""From a page that is due to words on a phone: who gets it, what leaves together, what it says.

`bundling`, `relief` and `ways` decide (pure); `outbox` claims and records; `notices`, `texts`,
`links` and `page_names` make the message; `replies` reads the answers that come back.
"""

"""Facts in; alerts, visits and pages out. The files in the order of the road:

- what is said: types; what was given: plans (rows), roster, rota, duty, absence
- the feed: feed, journal, tables, connections, clock
- judging (pure): engine with memory, known, scopes, rule, concern; `rules/`, one file each
  - places and time: geometry, presence, sighting, vitals, silence, outages, lateness
  - visits: plan, watch, attendance, conclusion, visits, visit_rule; own conditions: conditions
- what becomes of it (pure): lifecycle, casebook, mute, bundling, escalation, relief, ways
- a lane that holds all of this together: walk (one stretch), lane (a thread), service (both)
- paging: outbox, pager, notices, texts, page_names, links; `channels/`
- people speak: desk, replies
- watching ourselves: audit, lint, answering, button_tests, metrics
- the door for readers: history, with rows, standing, page_records, visit_records, checks, rulebook
- trying a rule: backtest, overrides, difference, alarm_load
"""

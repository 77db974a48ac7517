"""From stimuli to pages: readings and inbox entries in; alerts, visit records and messages out.

In the order in which data passes through:

- `lanes/`: two lanes; each reads the feed, judges it and commits what follows in one transaction
- `town/` (pure): register, plans and settings as the rules see them
- `engine/` (pure): states, timers and the clock of the rules
- `rule`, `rules/` (pure): the shape of a rule, and one file a rule
- `visits/` (pure): what the evidence makes of each planned visit
- `cases/` (pure): an alert from its finding to its end: mutes, ladders
- `paging/`, `channels/`: pages that are due, sent as messages
- `inbox`: the table in which people, channels and loads append what they say
- `plans/`: ladders, rotas, people, rule settings and their versions
- `figures/` (pure), `records/`: what is counted, and what is read from the tables
- `watchdog/`: finds, each minute, what is left without a next step
- `trials/`: other settings, tried on the past and brought into force
- `service`, `settings`, `clock`, `connections`, `metrics`: the process and what it runs on

Other rooms enter by `desk` (say something), `history` (read), `trials` and `types`.
"""

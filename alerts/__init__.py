"""Facts in; alerts, visits and pages out. In the order of the road:

- what is said: `types`; what was given: `plan`, `given/`
- what a lane reads and writes, in one transaction: `feed`, `journal`, `records/`
- judging (pure): `engine`; `rule`, `rules/` (one file each) on `judging/`, `visiting/`, `geometry`
- what becomes of a finding (pure): `lifecycle`, `casebook`, `mute`, `escalation`
- the lanes that hold all of this together: `lanes/`; the process: `service`, `settings`
- paging: `pager`, `paging/`, `channels/`
- people speak: `desk`, into the `inbox`
- watching ourselves: `audit`, `watching/`
- the door for readers: `history`
- trying a rule on history: `backtest`, `trial/` (pure), `trying/` (its edges); their door: `trials`
"""

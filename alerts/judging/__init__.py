"""What the engine and the rules stand on: memory and wishes, the town as known, scopes of settings.

`memory` keeps states and wishes; `known` the town as it was last told; `scopes` and `concern` whose
settings apply and whom a change concerns; `vitals`, `silence`, `outages`, `presence`, `sighting`,
`absence`, `duty`, `lateness` are judgements that several rules share; `conditions` compiles a
town's own. All of it is pure.
"""

"""A visit, from all evidence: `watch` routes it, `attendance` and `conclusion` weigh it.

`visits` is the book that keeps one record a visit and revises it; `visit_rule` is what the four
rules about visits have in common. All of it is pure.
"""

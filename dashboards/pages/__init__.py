"""The pages people look at. Every action is a plain POST form; modules only make them nicer."""

from dashboards.pages import answer, demo, desk, ledger, me, rules, signin, vendor, wall

ROUTERS = (
    wall.router,
    signin.router,
    desk.router,
    answer.router,
    me.router,
    ledger.router,
    rules.router,
    vendor.router,
)
DEMO = demo.router

"""The HTML pages. Every action is a plain POST form; scripts only make it quicker to use."""

from dashboards.pages import (
    answer,
    contract,
    demo,
    desk,
    discovery,
    ledger,
    me,
    rules,
    signin,
    vendor,
    vendor_conformance,
    vendor_docs,
    vendor_panels,
    vendor_replay,
    wall,
)

ROUTERS = (
    wall.router,
    signin.router,
    desk.router,
    answer.router,
    me.router,
    ledger.router,
    rules.router,
    vendor.router,
    vendor_conformance.router,
    vendor_docs.router,
    vendor_panels.router,
    vendor_replay.router,
    discovery.router,
    contract.router,
)
DEMO = demo.router

"""Makes the demo ready: loads its town, gives its people sign-ins, and tells its story."""

import psycopg

from dashboards.auth.sessions import set_sign_in, sign_ins
from dashboards.auth.tokens import wall_address
from deploy.demo.town import demo_town_yaml
from deploy.invocation import invocation
from deploy.settings import DEMO_TOWN, Settings
from deploy.town.loading import load_town
from deploy.town.townfile import read_town

SECRET = "carewatch"  # of every demo sign-in; printed, and of use on this machine only
SIGN_INS = {
    "he": ("u-he", "operator, the desk"),
    "admin": ("u-admin", "administrator"),
    "anbao": ("u-anbao", "a maker of devices, the vendor console"),
}

STORY = """
  the wall     {wall}
  the desk     {base}/desk
  a phone      {base}/demo/phone      pages arrive here and can be answered
  the console  {base}/vendor          what vendors see of their devices
  the API      {base}/api/v1/docs
  sign in as   {sign_ins}   (secret: {secret})
  broker       {broker}      as a device: {command} device add ID gives its secret

In another terminal, in this directory:

  {command} simulate press btn-c1     an SOS; leave it, and it climbs to the second phone in 60 s
  {command} simulate breach c-7       a client rides out of the fence; seen in about 45 s
  {command} simulate miss c-3         a visit that nobody keeps; missed in about 90 s

Logs are in {logs}. Ctrl-C ends everything; the data stays.
"""


def prepare(settings: Settings, database: str, broker: str) -> str:
    """Load the demo town and its sign-ins; returns what to tell the person who started it."""
    page_url = f"webhook://{settings.http_host}:{settings.http_port}/demo/phone"
    path = settings.data_dir / DEMO_TOWN
    path.write_text(demo_town_yaml(page_url), encoding="utf-8")
    with psycopg.connect(database) as conn:
        load_town(conn, read_town(path), by="demo", remove_many=True, settings="enabled")
        _let_in(conn)
    return STORY.format(
        base=settings.base_url,
        wall=wall_address(settings.base_url, settings.secret()),
        sign_ins=", ".join(f"{name} ({what})" for name, (_, what) in SIGN_INS.items()),
        secret=SECRET,
        broker=broker,
        command=invocation(),
        logs=settings.data_dir / "logs",
    )


def _let_in(conn: psycopg.Connection) -> None:
    known = {name for name, _ in sign_ins(conn)}
    for name, (person, _) in SIGN_INS.items():
        if name not in known:  # setting it anew would end the sessions of the last run
            set_sign_in(conn, name=name, person=person, secret=SECRET)

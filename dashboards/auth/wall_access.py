"""Who may watch a stream: a wall by its token, or somebody signed in."""

from typing import Annotated

import msgspec
from fastapi import Depends, Request

from dashboards.auth.access import NotSignedIn, Visitor, having, visitor
from dashboards.auth.tokens import wall_scope
from dashboards.scope import Scope
from dashboards.site import Site, site_of


class Watching(msgspec.Struct, frozen=True):
    """What a screen may see."""

    scope: Scope
    token: str = ""  # to hand on to the stream; "" = the session serves


def watching(
    request: Request,
    site: Annotated[Site, Depends(site_of)],
    who: Annotated[Visitor | None, Depends(visitor)],
) -> Watching:
    """Return who watches, by `?token=`, else by session. Raises NotSignedIn or NotAllowed."""
    token = request.query_params.get("token")
    if token is not None:
        scope = wall_scope(site.settings.secret, token)
        if scope is None:
            raise NotSignedIn
        return Watching(scope, token)
    return Watching(having("look")(who).scope)

"""Which parameters apply to whom: the narrowest scope wins, parameter by parameter.

From narrow to wide: a subject, an agency, a care level, an area (the deeper the narrower), the
town's `rules`, the rule's own defaults. A scope that names several of these fits only where all
fit, and is as narrow as the narrowest it names. Of two equally narrow the later line wins.
"""

from typing import Protocol, TypeVar

import msgspec

from alerts.town.parameters import Parameters
from alerts.types import RuleScope
from core.errors import CarewatchError
from core.refusal import refused
from devices.directory import Directory
from devices.subject import Subject

P = TypeVar("P", bound=Parameters)
P_co = TypeVar("P_co", bound=Parameters, covariant=True)


class Scoped(Protocol[P_co]):
    """Whatever has parameters: a rule, or what shares a rule's parameters."""

    @property
    def name(self) -> str:
        """Return the name its settings are under."""

    @property
    def settings(self) -> type[P_co]:
        """Return the class of its parameters."""


SUBJECT, AGENCY, CARE_LEVEL = 3_000, 2_000, 1_000  # an area's depth stays below


class Scopes:
    """Settings by rule and subject, resolved once each. Replaced when town or settings change."""

    def __init__(
        self,
        directory: Directory,
        rules: dict[str, dict[str, object]] | None = None,
        scopes: tuple[RuleScope, ...] = (),
    ) -> None:
        self._directory = directory
        self._rules = rules or {}
        self._scopes: dict[str, list[RuleScope]] = {}
        for scope in scopes:
            for name in scope.rules:
                self._scopes.setdefault(name, []).append(scope)
        self._wide: dict[str, Parameters] = {}
        self._narrow: dict[tuple[str, str, str | None], Parameters] = {}

    def settings(self, rule: Scoped[P], subject: str, by: str | None = None) -> P:
        """Return the parameters that apply to a subject, and to what somebody (`by`) does for it.

        Raise CarewatchError for a parameter the rule does not have.
        """
        if rule.name not in self._scopes:
            found = self._wide.get(rule.name)
            if found is None:
                found = self._wide[rule.name] = self._made(rule, ())
            return found  # type: ignore[return-value]
        found = self._narrow.get((rule.name, subject, by))
        if found is None:
            found = self._made(rule, self._fitting(rule.name, subject, by))
            self._narrow[rule.name, subject, by] = found
        return found  # type: ignore[return-value]

    def anywhere(self, rule: Scoped[P]) -> list[P]:
        """Return the parameters of a rule in the whole town, and as each scope alone sets them.

        Raise CarewatchError for a parameter the rule does not have.
        """
        alone = ((scope,) for scope in self._scopes.get(rule.name, ()))
        return [self._made(rule, scopes) for scopes in ((), *alone)]

    def _made(self, rule: Scoped[P], scopes: tuple[RuleScope, ...]) -> P:
        """Return a rule's parameters as these scopes set them, one over the other."""
        values = dict(self._rules.get(rule.name, {}))
        for scope in scopes:
            values.update(scope.rules[rule.name])
        try:
            return msgspec.convert(values, rule.settings)
        except msgspec.ValidationError:
            raise CarewatchError(
                f"rules, {refused(values, rule.settings, at=(rule.name,))}; it takes "
                + ", ".join(rule.settings.__struct_fields__)
            ) from None

    def _fitting(self, name: str, subject: str, by: str | None) -> tuple[RuleScope, ...]:
        """Return the scopes that fit a subject, widest first."""
        weighed = [
            (weight, n, scope)
            for n, scope in enumerate(self._scopes[name])
            if (weight := self._weight(scope, subject, by)) is not None
        ]
        return tuple(scope for _, _, scope in sorted(weighed, key=lambda found: found[:2]))

    def _weight(self, scope: RuleScope, subject: str, by: str | None) -> int | None:
        """Return how narrow a scope is, or None where it does not fit the subject."""
        directory, about, weight = self._directory, Subject.parse(subject), 0
        if scope.area is not None:
            path = directory.area_path(directory.area_of(about))
            if scope.area not in path:
                return None
            weight = len(path) - path.index(scope.area)
        if scope.care_level is not None:
            client = directory.client_of(about)
            if client is None or client.care_level != scope.care_level:
                return None
            weight = CARE_LEVEL
        if scope.agency is not None:
            who = Subject.parse(by) if by else None
            if scope.agency not in (directory.agency_of(about), directory.agency_of(who)):
                return None
            weight = AGENCY
        if scope.subject is not None:
            if scope.subject not in (subject, by):
                return None
            weight = SUBJECT
        return weight

"""The door to trials: other rule settings tried on what is stored, then brought into force.

What is asked for runs in a process of its own (`start`) and is kept for its author. What has been
tried can be enabled: a new version of the settings, told to the engine by way of the inbox.
"""

from alerts.figures.alarm_load import AlarmLoad
from alerts.plans.overrides import nested
from alerts.plans.setting_changes import (
    PARTS,
    SettingDifference,
    SettingsChange,
    TownPart,
    leaves,
    part_of,
)
from alerts.plans.versions import InForce, SettingsVersion, in_force, versions
from alerts.trials.enabling import enable_trial, may_enable, request_of_change, request_of_version
from alerts.trials.process import Errand, start
from alerts.trials.report import Summary
from alerts.trials.requests import Request, TrialRecord, ask, report_of, stop, trial, trials_of

__all__ = (
    "PARTS",
    "AlarmLoad",
    "Errand",
    "InForce",
    "Request",
    "SettingDifference",
    "SettingsChange",
    "SettingsVersion",
    "Summary",
    "TownPart",
    "TrialRecord",
    "ask",
    "enable_trial",
    "in_force",
    "leaves",
    "may_enable",
    "nested",
    "part_of",
    "report_of",
    "request_of_change",
    "request_of_version",
    "start",
    "stop",
    "trial",
    "trials_of",
    "versions",
)

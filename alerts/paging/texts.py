"""What a page says, in Chinese and English: who, where, what, how old. The link comes last.

Pure. Without its link a message stays within one SMS: 70 characters where Chinese, else 160.
"""

from datetime import datetime, timedelta
from typing import Literal

from alerts.types import Alert, Severity
from devices.directory import Directory
from devices.subject import Subject

Lang = Literal["zh", "en"]
SMS = {"zh": 70, "en": 160}  # characters of one SMS in UCS-2 and in GSM-7

RULES: dict[str, dict[Lang, str]] = {
    "sos_pressed": {"zh": "按下SOS", "en": "pressed SOS"},
    "geofence_breached": {"zh": "越出围栏", "en": "geofence breached"},
    "visit_missed": {"zh": "无人上门", "en": "visit missed"},
    "visit_late": {"zh": "上门迟到", "en": "visit late"},
    "visit_short": {"zh": "服务时长不足", "en": "visit too short"},
    "visit_unended": {"zh": "服务未签退", "en": "visit not ended"},
    "no_activity": {"zh": "长时间无活动", "en": "no activity at home"},
    "door_left_open": {"zh": "门一直开着", "en": "door left open"},
    "contact_overdue": {"zh": "探访逾期", "en": "contact overdue"},
    "device_silent": {"zh": "设备失联", "en": "device silent"},
    "battery_low": {"zh": "电量低", "en": "battery low"},
    "face_presence_missing": {"zh": "本月未见本人", "en": "not seen this month"},
    "face_unknown": {"zh": "陌生人脸", "en": "unknown face"},
    "presence_conflict": {"zh": "两地同时出现", "en": "in two places at once"},
    "implausible_movement": {"zh": "位置异常", "en": "implausible movement"},
    "area_outage": {"zh": "片区设备大面积失联", "en": "area outage"},
}
SEVERITIES: dict[Severity, dict[Lang, str]] = {
    Severity.LIFE: {"zh": "生命警报", "en": "LIFE"},
    Severity.HIGH: {"zh": "紧急", "en": "HIGH"},
    Severity.MEDIUM: {"zh": "注意", "en": "MEDIUM"},
    Severity.LOW: {"zh": "提示", "en": "LOW"},
}
REASONS: dict[str, dict[Lang, str]] = {
    "caregiver_elsewhere": {"zh": "护理员在别处", "en": "caregiver elsewhere"},
    "caregiver_silent": {"zh": "护理员手机失联", "en": "caregiver's phone silent"},
    "caregiver_unplaced": {
        "zh": "护理员手机在线、无到访定位",
        "en": "phone heard, not placed there",
    },
    "caregiver_mock": {"zh": "护理员手机定位作假", "en": "caregiver's places made up"},
    "no_caregiver_data": {"zh": "无护理员数据", "en": "no caregiver data"},
    "pressed_again": {"zh": "再次按下", "en": "pressed again"},
}


def title(alert: Alert, directory: Directory, lang: Lang) -> str:
    """Return one short line: how grave, who, what."""
    grave, who, what = (
        SEVERITIES[alert.severity][lang],
        name_of(alert, directory),
        _what(alert, lang),
    )
    return f"【{grave}】{who} {what}" if lang == "zh" else f"{grave}: {who} {what}"


def sentence(alert: Alert, directory: Directory, lang: Lang, now: datetime) -> str:
    """Return the title with the reason, the place and the age, cut to one SMS."""
    parts = [title(alert, directory, lang)]
    if alert.reason in REASONS:
        parts.append(REASONS[alert.reason][lang])
    where = place_of(alert, directory)
    if where:
        parts.append(where)
    parts.append(_age_of(alert, lang, now))
    text = ("，" if lang == "zh" else ", ").join(parts)
    return text if len(text) <= SMS[lang] else text[: SMS[lang] - 1] + "…"


def summary(alerts: list[Alert], directory: Directory, lang: Lang, now: datetime) -> str:
    """Return one message for several alerts: how many, where, and the first of them."""
    first = alerts[0]
    where = _area_name(first.area, directory)
    kinds = {alert.rule for alert in alerts}
    what = _what(first, lang) if len(kinds) == 1 else ""
    if lang == "zh":
        head = f"{where}共{len(alerts)}条{what}警报"
        return f"{head}。首条：{sentence(first, directory, lang, now)}"
    head = f"{len(alerts)} {what} alerts".replace("  ", " ") + (f" in {where}" if where else "")
    return f"{head}. First: {sentence(first, directory, lang, now)}"


def with_link(text: str, link: str, lang: Lang) -> str:
    """Return the text followed by where to answer."""
    return f"{text} 应答：{link}" if lang == "zh" else f"{text} Answer: {link}"


def age(span: timedelta, lang: Lang) -> str:
    """Return the age in the largest fitting unit."""
    minutes = max(int(span.total_seconds()) // 60, 0)
    if minutes < 1:
        return "刚刚" if lang == "zh" else "just now"
    if minutes < 60:
        return f"{minutes}分钟前" if lang == "zh" else f"{minutes} min ago"
    if minutes < 48 * 60:
        return f"{minutes // 60}小时前" if lang == "zh" else f"{minutes // 60} h ago"
    return f"{minutes // 1440}天前" if lang == "zh" else f"{minutes // 1440} days ago"


def name_of(alert: Alert, directory: Directory) -> str:
    """Return the name of whom or what an alert is about; the id where none is known."""
    subject = Subject.parse(alert.subject)
    return directory.name_of(subject) or subject.id


def place_of(alert: Alert, directory: Directory) -> str:
    """Return area and address, as far as the register knows them."""
    client = directory.client_of(Subject.parse(alert.subject))
    area = _area_name(alert.area, directory)
    return " ".join(part for part in (area, client.address if client else "") if part)


def _area_name(area: str | None, directory: Directory) -> str:
    return (directory.name_of(Subject("area", area)) or area) if area else ""


def _what(alert: Alert, lang: Lang) -> str:
    words = RULES.get(alert.rule)
    return words[lang] if words else alert.detail or alert.rule


def _age_of(alert: Alert, lang: Lang, now: datetime) -> str:
    """Return the age by the device's own clock; a press that comes late out of a buffer says so."""
    said = alert.observed_at
    lag = alert.raised_at - said if said else timedelta(0)
    if said is None or not timedelta(0) <= lag < timedelta(days=366):
        return age(now - (alert.received_at or alert.raised_at), lang)
    if lag <= timedelta(minutes=5):
        return age(now - said, lang)
    return age(now - said, lang) + ("（补传）" if lang == "zh" else " (buffered)")

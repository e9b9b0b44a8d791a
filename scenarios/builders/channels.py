"""From the swarm file to whoever calls people: webhook and mail of a live desk."""

import time
from pathlib import Path

from agents.human.channels import Channels, ChannelSettings, webhook_fault
from scenarios.config.errors import make_error
from scenarios.config.swarm import Panel, Swarm
from scenarios.live.check import check_secret
from scenarios.live.panel_people import address_of

_KEY_LENGTH = 16
_ESCALATE = ("approval", "escalate")


def has_channel(swarm: Swarm) -> bool:
    """Return whether somebody can be called."""
    return swarm.approval is not None and swarm.approval.escalate is not None


def channels_of(swarm: Swarm, file: Path, where: str, pace: float) -> Channels | None:
    """Return what calls people, or None where nobody is to be called.

    Raises
    ------
    ConfigError
        For a secret that is nowhere, an address that would be told in the open, a weak key.
    """
    told = None if swarm.approval is None else swarm.approval.escalate
    if told is None:
        return None
    webhook = key = login = ""
    if told.webhook is not None and told.hmac is not None:
        webhook = check_secret(where, (*_ESCALATE, "webhook"), told.webhook, file)
        if fault := webhook_fault(webhook):
            raise make_error(where, (*_ESCALATE, "webhook"), fault)
        key = check_secret(where, (*_ESCALATE, "hmac"), told.hmac, file)
        if len(key) < _KEY_LENGTH:
            text = f"has {len(key)} characters; expected {_KEY_LENGTH} or more"
            raise make_error(where, (*_ESCALATE, "hmac"), text)
    if told.mail_login is not None:
        login = check_secret(where, (*_ESCALATE, "mail_login"), told.mail_login, file)
        if ":" not in login:
            raise make_error(where, (*_ESCALATE, "mail_login"), "expected NAME:PASSWORD")
    host, _, port = told.mail_server.rpartition(":")
    settings = ChannelSettings(
        link=address_of(swarm.panel or Panel()), floor=swarm.name, webhook=webhook,
        key=key.encode(), mail=told.mail or "", mail_host=host, mail_port=int(port), login=login,
        pace=pace,
    )  # fmt: skip
    return Channels(settings, time.time_ns)

"""Who a workflow wants told of a form: the `delivery_methods` of a human-input node."""

import re
from dataclasses import dataclass

from libs.common.contracts.form_deliveries import EmailDelivery, FormDelivery, WebhookDelivery
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.node_parts.variable_reader import VariableReader
from services.engine.domain.variables.template_text import TemplateText, parse_template_text
from services.engine.domain.variables.values import Selector

_LINK = "{{#url#}}"
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_ADDRESS_CHARACTERS = 254
_URL = re.compile(r"https?://[^\s/?#@\\]+([/?#]\S*)?", re.IGNORECASE)
_URL_CHARACTERS = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailPlan:
    """One text for several addresses. `body` is split where the link goes."""

    to: tuple[str, ...]
    subject: TemplateText
    body: tuple[TemplateText, ...]

    @property
    def references(self) -> tuple[Selector, ...]:
        return tuple(part for text in (self.subject, *self.body) for part in text.references)

    def rendered(self, variables: VariableReader) -> tuple[FormDelivery, ...]:
        subject = self.subject.render(variables)
        body = tuple(part.render(variables) for part in self.body)
        return tuple(EmailDelivery(to=to, subject=subject, body=body) for to in self.to)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPlan:
    url: str

    @property
    def references(self) -> tuple[Selector, ...]:
        return ()

    def rendered(self, variables: VariableReader) -> tuple[FormDelivery, ...]:
        return (WebhookDelivery(url=self.url),)


DeliveryPlan = EmailPlan | WebhookPlan


def parse_deliveries(settings: SettingsReader) -> tuple[DeliveryPlan, ...]:
    """Those that are enabled. Whoever cannot be told is a warning: the form is open all the
    same."""
    found = [
        _plan(item)
        for item in settings.items("delivery_methods")
        if item.flag("enabled", default=True)
    ]
    return tuple(plan for plan in found if plan is not None)


def _plan(item: SettingsReader) -> DeliveryPlan | None:
    match item.text("type", "webapp"):
        case "email":
            return _email(item.section("config"))
        case "webhook":
            return _webhook(item.section("config"))
        case "webapp":
            return None
        case other:
            item.warn("unknown_channel", f"nobody is told by {other}", "type")
            return None


def _email(config: SettingsReader) -> EmailPlan | None:
    to = _addresses(config.section("recipients"))
    if not to:
        return None
    return EmailPlan(
        to=to,
        subject=parse_template_text(config.text("subject")),
        body=tuple(map(parse_template_text, config.text("body").split(_LINK))),
    )


def _addresses(recipients: SettingsReader) -> tuple[str, ...]:
    """Each once, however it is written."""
    found: dict[str, str] = {}
    if recipients.flag("whole_workspace") or recipients.flag("include_bound_group"):
        recipients.warn("members_unknown", "workspaces have no members here", "whole_workspace")
    for item in recipients.items("items"):
        if item.text("type", "external") != "external":
            item.warn("members_unknown", "workspaces have no members here: name an email", "type")
            continue
        address = item.text("email").strip()
        if len(address) <= _ADDRESS_CHARACTERS and _ADDRESS.fullmatch(address):
            found.setdefault(address.lower(), address)
        else:
            item.warn("not_address", "must be an e-mail address", "email")
    if not found:
        recipients.warn("nobody_told", "names nobody who can be told", "items")
    return tuple(found.values())


def _webhook(config: SettingsReader) -> WebhookPlan | None:
    url = config.text("url").strip()
    if len(url) <= _URL_CHARACTERS and _URL.fullmatch(url):
        return WebhookPlan(url=url)
    config.warn("not_url", "must be an http or https address without a user name", "url")
    return None

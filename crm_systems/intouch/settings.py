"""InTouch's settings: the credentials, and what the documentation leaves open."""

from __future__ import annotations

from crm_systems.model import Setting

ORIGINS = {"parties.enteredFrom": "_enf"}
"""The one list of which the documentation tells the code."""

SETTINGS = (
    Setting(
        "username",
        "string",
        "User name",
        "The login name; the vendor advises a user of its own with the access type «Pouze API».",
        required=True,
    ),
    Setting("password", "string", "Password", "The user's password.", required=True, secret=True),
    Setting(
        "case_types",
        "numbers",
        "Types of orders",
        "Numbers of the types of orders whose complete attributes are wanted; other orders come with the "
        "attributes that all types share. Default: none.",
    ),
    Setting(
        "code_lists",
        "names",
        "Code lists",
        "Which code list a field draws from, so that it may be written by name, as in "
        '{"opportunities.stage": "_opStage"}; the stream `lists` has the codes.',
        default=ORIGINS,
    ),
    Setting(
        "contact_details",
        "string",
        "Contact details",
        "The shape of `contacts` in a party, which is not documented. auto: as its records show it, array where "
        "there are none; array: [{type, value}]; object: {type: [value]}.",
        default="auto",
        choices=("auto", "array", "object"),
    ),
    Setting(
        "member_linking",
        "string",
        "Linking of members",
        "How `connect-member` is called, which is not documented. path: parties/{org}/connect-member/{member}; "
        "body: parties/connect-member; off: not at all.",
        default="path",
        choices=("path", "body", "off"),
    ),
    Setting(
        "timezone",
        "timezone",
        "Time zone",
        "The zone of the server's clock. Default: the one that the CRM tells, or Europe/Prague where it tells none.",
    ),
)

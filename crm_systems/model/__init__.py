"""The words in which a CRM is described: frozen data."""

from crm_systems.model.entities import Choice, Entity, Field, Kind, joined, parted
from crm_systems.model.exchange import Call, Deletion, File, Page, Reply, Request, Row, Session, Walk
from crm_systems.model.settings import A_TEXT, Abilities, Limits, Setting, SettingKind
from crm_systems.model.shards import BEYOND, Ranges, Shard

__all__ = [
    "A_TEXT",
    "BEYOND",
    "Abilities",
    "Call",
    "Choice",
    "Deletion",
    "Entity",
    "Field",
    "File",
    "Kind",
    "Limits",
    "Page",
    "Ranges",
    "Reply",
    "Request",
    "Row",
    "Session",
    "Setting",
    "SettingKind",
    "Shard",
    "Walk",
    "joined",
    "parted",
]

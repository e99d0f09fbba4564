"""The settings of the tap, and what is said of its stream maps."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.exceptions import MapExpressionError

from crm_singer.configuration import Configured
from crm_singer.deletions import DELETED_AT
from crm_singer.stream_maps import FlatMaps, applying, in_words, spare_deletions
from crm_systems import SYSTEMS
from crm_systems.settings import connection_settings, json_schema
from tap_crm import options
from tap_crm.described import DescribedTap

if TYPE_CHECKING:
    from collections.abc import Callable


class ConfiguredTap(Configured, DescribedTap):
    """A tap with the settings of tap-crm."""

    OWN_SETTINGS = options.OWN_SETTINGS
    PASSED_OVER = options.PASSED_OVER
    MELTANO = "MELTANO_EXTRACT_"
    config_jsonschema: ClassVar[dict[str, Any]] = json_schema((*connection_settings(SYSTEMS), *OWN_SETTINGS))

    def problems_together(self) -> list[str]:
        """What is wrong with settings that are right one by one."""
        return options.problems(self.settings)

    def setup_mapper(self) -> None:
        """Stream maps that say in words what they cannot do.

        Raises:
            SystemExit: they cannot be applied; so does each of them on a record that it fails on.
        """
        catalog = self.catalog
        with applying(self.name):
            self._mapper = FlatMaps(plugin_config=dict(self.config), logger=self.logger)
            self._mapper.register_raw_streams_from_catalog(catalog)
            self._mapper.tell_apart(name for name, each in self.streams.items() if each.selected)
        for name, maps in self.mapper.stream_maps.items():
            for each in maps:
                spare_deletions(each, lambda record: bool(record.get(DELETED_AT)))
                for asked in ("transform", "get_filter_result"):
                    setattr(each, asked, self._in_words(name, getattr(each, asked)))
        for name, meant in (self.config.get("stream_maps") or {}).items():
            source = meant.get("__source__", name) if isinstance(meant, dict) else name
            if not name.startswith("__") and not any(fnmatch(each, source) for each in self.streams):
                self.logger.warning("`stream_maps` names %s, which is no stream here.", source)

    def _in_words(self, stream: str, asked: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
        told = in_words(asked)

        def answered(record: dict[str, Any]) -> Any:
            try:
                return told(record)
            except MapExpressionError as error:
                reason = str(error).rstrip(".")
                raise SystemExit(f"{self.name}: {stream}: a record cannot be sent: {reason}.") from None

        return answered

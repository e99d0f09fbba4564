"""The command ``tap-crm``."""

from crm_singer.command import run_command


def main() -> None:
    """Runs the tap, or lets it say what it is."""
    run_command("tap-crm", described="tap_crm.described:DescribedTap", whole="tap_crm.tap:CrmTap")

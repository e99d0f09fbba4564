"""The command ``target-crm``."""

from crm_singer.command import run_command


def main() -> None:
    """Runs the target, or lets it say what it is."""
    run_command("target-crm", described="target_crm.described:DescribedTarget", whole="target_crm.target:CrmTarget")

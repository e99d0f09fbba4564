"""The first moment of a command: from now on, Ctrl-C ends it as it ends any program, not with a traceback."""

# What the module `signal` is made of; itself, it takes longer to load than all that Python has loaded so far.
from _signal import SIG_DFL, SIGINT, default_int_handler, getsignal, signal  # type: ignore[import-not-found]  # it has no stubs


def run_command(name: str, *, described: str, whole: str) -> None:
    """Runs a connector or lets it say what it is; ``described`` and ``whole`` are its classes, as ``module:class``.

    Raises:
        SystemExit: it is done, or cannot begin; then the text is a sentence.
    """
    if getsignal(SIGINT) is default_int_handler:
        # Until the connector itself listens to signals.
        signal(SIGINT, SIG_DFL)
    from crm_singer.starting import start  # noqa: PLC0415 - not before, since it takes the most of what precedes

    start(name, described=described, whole=whole)

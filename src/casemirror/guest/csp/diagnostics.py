"""Dumps for the developer of an integration that hangs or grows."""

import signal
import sys
import traceback
from collections import Counter

from csp.host import demisto


def register_signal_handler_profiling_dump(signal_type=None, profiling_dump_rows_limit=100):
    """Have a signal (SIGUSR1 by default) log where the threads stand and which classes have most objects."""
    import gc

    def dump(_signal_number, _frame):
        classes = Counter(type(item).__name__ for item in gc.get_objects()).most_common(profiling_dump_rows_limit)
        table = "\n".join(f"{count:>9} {name}" for name, count in classes)
        demisto.info(f"{_threads()}\n--- objects ---\n{table}")

    if not hasattr(signal, "SIGUSR1"):
        demisto.info("This platform has no signal for a dump")
        return
    signal.signal(signal_type or signal.SIGUSR1, dump)


def _threads():
    stacks = (
        f"--- thread {number} ---\n{''.join(traceback.format_stack(frame))}"
        for number, frame in sys._current_frames().items()
    )
    return "\n".join(stacks)

"""Dumps for the developer of an integration that hangs or grows."""

import gc
import signal
import sys
import threading
import traceback
from collections import Counter

from csp.host import demisto


def register_signal_handler_profiling_dump(signal_type=None, profiling_dump_rows_limit=100):
    """Have a signal (SIGUSR1 by default) log where the threads stand and which classes have most objects."""

    def dump(signal_number, frame):
        demisto.info(get_message_threads_dump(signal_number, frame))
        demisto.info(get_message_memory_dump(signal_number, frame, profiling_dump_rows_limit))

    if not hasattr(signal, "SIGUSR1"):
        demisto.info("This platform has no signal for a dump")
        return
    signal.signal(signal_type or signal.SIGUSR1, dump)


def get_message_threads_dump(_sig, _frame):
    """Where each thread stands, as text; the arguments are those of a signal handler."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    stacks = (
        f"--- thread {names.get(number, '')} {number} ---\n{''.join(traceback.format_stack(frame))}"
        for number, frame in sys._current_frames().items()
    )
    return "--- Threads Dump ---\n" + "\n".join(stacks)


def get_message_memory_dump(_sig, _frame, rows=100):
    """Which classes have most objects, and what those take by themselves, as text."""
    counts, sizes = Counter(), Counter()
    for item in gc.get_objects():
        counts[type(item).__name__] += 1
        sizes[type(item).__name__] += sys.getsizeof(item, 0)
    lines = (f"{count:>9} objects {sizes[name]:>12} bytes  {name}" for name, count in counts.most_common(rows))
    return "--- Memory Dump ---\n" + "\n".join(lines)


def get_size_of_object(input_object):
    """Bytes that an object takes with everything it leads to; what is reached twice counts once.

    Classes, modules and functions that it leads to are not its own and do not count.
    """
    seen, waiting, size = set(), [input_object], 0
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, _NOT_OWN):
            continue
        seen.add(id(item))
        size += sys.getsizeof(item, 0)
        waiting += gc.get_referents(item)
    return size


_NOT_OWN = (type, type(sys), type(lambda: None))

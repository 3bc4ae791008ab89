"""Shows a run that goes on and grows, on stderr: for tests that look at it through a terminal."""

import sys

from live_progress import progress

from relayload.report.live import LiveDisplay

with LiveDisplay("night") as display:
    for second in range(int(sys.argv[1])):
        display.show(progress(elapsed_s=5.0 * second, offered=100 * second, started=100 * second))
        display.say(f"a line of the log {second}")

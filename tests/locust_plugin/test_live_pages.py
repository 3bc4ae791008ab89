"""Which page is served while another one is rendered, by a script with a renderer that waits until it is let."""

from support import ran_patched

_SCRIPT = """
from locust import events
import gevent
from gevent.event import Event
from relayload.locust_plugin import live_page
from relayload.report.page_renderer.messages import Look, Rendered, encoded

class Renderer:
    ended, count = False, 0
    def __init__(self):
        self.may = Event()
        self.may.set()
    def answer(self, message, within_s):
        self.may.wait()
        self.count += 1
        return encoded(Rendered(b"", str(self.count).encode(), 1000.0))

renderer, looks = Renderer(), iter(range(100))
live_page._renderer = lambda: renderer
pages = live_page.LivePages(lambda: Look(name=str(next(looks)), target=""))
served = lambda: pages.page().sections.decode()
print(served(), served())
renderer.may.clear()
pages.renew()
both = [gevent.spawn(served) for _ in range(2)]
gevent.sleep(0)
gevent.sleep(0)
renderer.may.set()
gevent.joinall(both)
print(*(one.value for one in both), served())
"""


def test_whoever_looks_after_something_was_done_sees_it_even_if_another_looked_first() -> None:
    assert ran_patched(_SCRIPT) == "1 1\n2 2 2\n"

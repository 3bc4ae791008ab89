"""What reaches a master or a worker is data: nothing of it is unpickled, imported or executed."""

from support import ran_patched

WATCHED = """
from locust import events
from locust.rpc import Message

import pickle
import sys
import time

import msgpack

import relayload.locust_plugin.channel as channel
from relayload.engine.messages import Assignment


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('executed')",)


pickled = pickle.dumps(Bomb())
time.strptime("1", "%S")  # imports what it needs
ACTS = ("pickle", "exec", "compile", "import", "os.", "subprocess", "socket", "open", "marshal", "ctypes")
seen = []
armed = False
sys.addaudithook(lambda event, _: seen.append(event) if armed and event.startswith(ACTS) else None)


def read(*message):
    global armed
    data = msgpack.packb(message)
    armed = True
    try:
        found = Message.unserialize(data)
        try:
            channel.unpack(found.data, Assignment)
        except Exception:
            pass
        return found
    except Exception as error:
        return type(error).__name__
    finally:
        armed = False


for code in range(128):
    found = read("spawn", msgpack.ExtType(code, pickled), "worker")
    assert found.data == msgpack.ExtType(code, pickled), found
read("spawn", msgpack.Timestamp(1, 0), "worker")
for place in ((pickled, None, "w"), ("t", pickled, "w"), ("t", {"packed": pickled}, "w"), ("t", {pickled: 1}, "w")):
    read(*place)
for marker in ("__datetime__", "__ObjectId__", "__reduce__", "__class__", "py/object"):
    for text in (pickled, "os.system", "20260101T00:00:00.0"):
        read("spawn", {marker: True, "as_str": text}, "worker")
assert seen == [], seen
armed = True
pickle.loads(pickle.dumps(Bomb))
armed = False
assert "pickle.find_class" in seen, "the hook notices"
"""


def test_messages_are_neither_unpickled_nor_executed() -> None:
    ran_patched(WATCHED)

"""A TCP proxy that delays both ways, and stands still while it is stopped: `python slow_link.py HOST PORT DELAY_S`.

Listens on the same port of 127.0.0.1, and prints it once it does.
"""

import asyncio
import sys

_PIECE_BYTES = 65536


async def main(host: str, port: int, delay_s: float) -> None:
    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, port)
        await asyncio.gather(_carry(reader, back, delay_s), _carry(there, writer, delay_s), return_exceptions=True)

    server = await asyncio.start_server(meet, "127.0.0.1", port)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.serve_forever()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    now_s = asyncio.get_running_loop().time
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def read() -> None:
        piece = b"?"
        while piece:
            piece = await reader.read(_PIECE_BYTES)
            pieces.put_nowait((now_s() + delay_s, piece))

    reading = asyncio.create_task(read())
    while True:
        due_at_s, piece = await pieces.get()
        await asyncio.sleep(due_at_s - now_s())
        if not piece:
            break
        writer.write(piece)
        await writer.drain()
    await reading
    writer.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))

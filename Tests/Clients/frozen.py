# SPDX-License-Identifier: Apache-2.0
"""A pooler that freezes: port, PostgreSQL's socket, a word, "all" or "one". Passes on what is said
until a client says the word; from then on it, or all of them, hear nothing more. Says so in a line,
and when somebody wants a statement cancelled."""

import asyncio
import sys

port, server, word, whom = int(sys.argv[1]), sys.argv[2], sys.argv[3].encode(), sys.argv[4]
frozen = asyncio.Event()
# PostgreSQL §53.7, CancelRequest.
CANCEL = (80_877_102).to_bytes(4)


async def passes_on(source, sink, is_client, ended):
    while chunk := await source.read(65_536):
        if is_client and CANCEL in chunk[:8]:
            print("asked to cancel", flush=True)
        if is_client and word in chunk and not ended.is_set():
            ended.set()
            print("frozen", flush=True)
        if not ended.is_set():
            sink.write(chunk)
            await sink.drain()
    sink.close()


async def serve(reader, writer):
    there, away = await asyncio.open_unix_connection(server)
    ended = frozen if whom == "all" else asyncio.Event()
    await asyncio.gather(
        passes_on(reader, away, True, ended),
        passes_on(there, writer, False, ended),
        return_exceptions=True,
    )


async def main():
    async with await asyncio.start_server(serve, "127.0.0.1", port) as listener:
        await listener.serve_forever()


asyncio.run(main())

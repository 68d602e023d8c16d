# SPDX-License-Identifier: MIT
# CPU-bound jobs beside an event loop that never stalls: Python's standard library and JSON lines.
import asyncio, json, sys, time

async def tick(gaps):
    while True:
        start = time.monotonic()
        await asyncio.sleep(0.001)
        gaps.append(time.monotonic() - start)

async def main():
    gaps, start = [], time.monotonic()
    ticker = asyncio.create_task(tick(gaps))
    reader, writer = await asyncio.open_unix_connection(sys.argv[1])
    for n in ("200000000", "50000000"):
        writer.write(json.dumps({"op": "submit", "id": n, "handler": "sum", "payload": n}).encode() + b"\n")
    writer.write_eof()
    async for line in reader:
        event = json.loads(line)
        if event["op"] == "result":
            print(f"py   {event['id']:>11} = {event['payload']:<17} {(time.monotonic() - start) * 1e3:5.0f} ms  in asyncio")
    ticker.cancel()
    print(f"       its event loop ticked {len(gaps)} times meanwhile; longest gap {max(gaps) * 1e3:.1f} ms")

asyncio.run(main())

#!/usr/bin/env python3
"""Makes the streams of a fleet, or changes those that are there to what streams.json says.

    pip install nats-py
    apply_streams.py tls://nats.example.com:4222 --credentials admin.creds
    apply_streams.py nats://127.0.0.1:4222 --replicas 1

The API of JetStream takes what the file says as it is, so a server refuses a setting that it does not know. A
stream is changed and never made anew; what cannot be changed is an error of the server's.
"""

import argparse
import asyncio
import json
import pathlib
import ssl
import sys

import nats
from nats.errors import Error

STREAMS = pathlib.Path(__file__).with_name("streams.json")

# The error code of JetStream for a stream that is not there.
NOT_FOUND = 10059


async def request(client, subject, message):
    answer = await client.request(subject, json.dumps(message).encode(), timeout=10)
    return json.loads(answer.data)


async def apply(client, config):
    """Makes or changes one stream, and gives what the server made of it."""
    name = config["name"]
    info = await request(client, f"$JS.API.STREAM.INFO.{name}", {})
    there = "error" not in info
    if not there and info["error"].get("err_code") != NOT_FOUND:
        raise SystemExit(f"{name}: {info['error']['description']}")
    verb = "UPDATE" if there else "CREATE"
    answer = await request(client, f"$JS.API.STREAM.{verb}.{name}", config)
    if "error" in answer:
        raise SystemExit(f"{name}: {answer['error']['description']}")
    made = answer["config"]
    # A server takes what it does not know for nothing, and says nothing.
    wrong = {key: made.get(key) for key, value in config.items() if made.get(key) != value}
    if wrong:
        raise SystemExit(f"{name}: the server made of it {wrong}")
    print(f"{name}: {'changed' if there else 'made'}, {', '.join(made['subjects'])}")


async def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("url", help="a server, as tls://HOST:PORT or nats://HOST:PORT")
    arguments.add_argument("--streams", type=pathlib.Path, default=STREAMS, help="the streams, as JSON")
    arguments.add_argument("--credentials", help="a .creds file of who may make streams")
    arguments.add_argument("--user", help="a file with one line user:password")
    arguments.add_argument("--ca", help="certificates of authorities, as PEM")
    arguments.add_argument("--replicas", type=int, help="in place of what the file says: 1 on a single server")
    given = arguments.parse_args()
    options = {"max_reconnect_attempts": 2}
    if given.credentials:
        options["user_credentials"] = given.credentials
    if given.user:
        options["user"], options["password"] = pathlib.Path(given.user).read_text().strip().split(":", 1)
    if given.url.startswith("tls://"):
        options["tls"] = ssl.create_default_context(cafile=given.ca)
    streams = json.loads(given.streams.read_text())
    client = await nats.connect(given.url, **options)
    for config in streams:
        if given.replicas:
            config["num_replicas"] = given.replicas
        await apply(client, config)
    await client.close()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (Error, OSError, asyncio.TimeoutError) as error:
        sys.exit(f"cannot reach JetStream: {type(error).__name__}: {error}")

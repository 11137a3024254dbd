#!/usr/bin/env python3
"""Years of stored CloudTrail through orgwatch, on Spark.

    pip install pyspark==4.3.0        # and Java 17
    backfill.py --out findings.ndjson --state orgwatch.state 's3a://trail/AWSLogs/*/*/CloudTrail/*/*/*/*/*.json.gz'

Every executor pipes its part of the logs through `orgwatch screen -`, which needs neither memory nor order and lets
through what any rule could match: about a thousandth. Spark sorts that by time, and one `orgwatch scan` examines it,
which writes the findings and a state. `orgwatch serve --state` and `orgwatch bake --state` take that up, so the
detector that starts today knows what was normal.

The program `orgwatch` must be on every executor, in the same version; settings and rules, too (`--files` of
spark-submit ships them).
"""

import argparse
import gzip
import re
import subprocess
import sys
import threading

from pyspark import SparkConf, SparkContext

# Where the time of a record stands, in any form. The first counts.
TIME = re.compile(rb'\\*"(?:eventTime|eventtime|@timestamp)\\*"\s*:\s*\\*"([0-9T:.Z+-]+)')

GZIP = b"\x1f\x8b"


def screen(command, objects):
    """Candidates of a partition: of objects as they are stored, each whole."""
    # Each kind by itself: a stream is compressed or it is not.
    for packed in (True, False):
        yield from piped(command, packed, objects[packed])


def piped(command, packed, objects):
    if not objects:
        return
    # No object runs into the next.
    newline = gzip.compress(b"\n") if packed else b"\n"
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def feed():
        try:
            for one in objects:
                process.stdin.write(one)
                process.stdin.write(newline)
            process.stdin.close()
        except BrokenPipeError:
            pass

    said = []
    threads = [
        threading.Thread(target=feed, daemon=True),
        threading.Thread(target=lambda: said.append(process.stderr.read()), daemon=True),
    ]
    for thread in threads:
        thread.start()
    for line in process.stdout:
        yield "candidate", line.rstrip(b"\n")
    for thread in threads:
        thread.join()
    if process.wait() != 0:
        # The rest was printed all the same; the part that could not be read must not be forgotten.
        yield "problem", said[0]
        if process.returncode != 2:
            raise RuntimeError(f"{command}: {said[0].decode(errors='replace')}")


def of_objects(command):
    def partition(files):
        objects = {True: [], False: []}
        for _, content in files:
            content = bytes(content)
            objects[content.startswith(GZIP)].append(content)
        return screen(command, objects)

    return partition


def of_lines(command):
    def partition(lines):
        return piped(command, False, [line.encode() for line in lines])

    return partition


def time_of(event):
    found = TIME.search(event)
    return found.group(1) if found else b""


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("paths", nargs="+", help="objects or folders, as Hadoop names them; * is any")
    arguments.add_argument("--text", action="store_true", help="the paths are large files with an event a line: split them")
    arguments.add_argument("--out", required=True, help="the file for findings")
    arguments.add_argument("--state", help="the state to write, or to go on with")
    arguments.add_argument("--settings", help="settings of the detector, at this path on every machine")
    arguments.add_argument("--rules", action="append", default=[], help="rules of your own, likewise")
    arguments.add_argument("--orgwatch", default="orgwatch", help="the program, at this path on every machine")
    arguments.add_argument("--partitions", type=int, help="parts to divide the objects into; as Spark has it by default")
    given = arguments.parse_args()

    options = []
    if given.settings:
        options += ["--settings", given.settings]
    for rules in given.rules:
        options += ["--rules", rules]
    command = [given.orgwatch, "screen", *options, "-"]

    # Objects are small: by its own rule Spark would give all of them to one executor.
    conf = SparkConf().setAppName("orgwatch backfill").set("spark.files.openCostInBytes", "0")
    context = SparkContext.getOrCreate(conf)
    paths = ",".join(given.paths)
    if given.text:
        screened = context.textFile(paths, given.partitions).mapPartitions(of_lines(command))
    else:
        screened = context.binaryFiles(paths, given.partitions).mapPartitions(of_objects(command))
    screened = screened.cache()
    problems = screened.filter(lambda one: one[0] == "problem").map(lambda one: one[1]).collect()
    candidates = screened.filter(lambda one: one[0] == "candidate").map(lambda one: one[1])
    # The same order whatever the partitions were.
    candidates = candidates.sortBy(lambda event: (time_of(event), event))

    scan = [given.orgwatch, "scan", "--quiet", *options]
    if given.state:
        scan += ["--state", given.state]
    count = 0
    with open(given.out, "wb") as out:
        process = subprocess.Popen([*scan, "-"], stdin=subprocess.PIPE, stdout=out)
        # One partition at a time is on this machine.
        for event in candidates.toLocalIterator(prefetchPartitions=True):
            process.stdin.write(event + b"\n")
            count += 1
        process.stdin.close()
        status = process.wait()
    context.stop()
    print(f"{count} candidates examined; findings are in {given.out}", file=sys.stderr)
    for problem in problems:
        print(problem.decode(errors="replace").strip() or "a part could not be read", file=sys.stderr)
    # 1 is findings.
    return status if status not in (0, 1) else 2 if problems else status


if __name__ == "__main__":
    sys.exit(main())

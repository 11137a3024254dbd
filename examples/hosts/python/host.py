"""A host of the orgwatch component in Python, with PyPI's `wasmtime`.

    python host.py orgwatch-0.1.0.wasm [--settings settings.json] [--pack mine.pack]
        < events.ndjson > findings.ndjson

`orgwatch rules compile` makes a pack of your own rules.

It is an example: docs/contract.md explains it.

PyPI's `wasmtime` hands a list of bytes to the component one by one, at 0.4 MB/s. For more than a few
megabytes run `orgwatch scan`, or the package for JavaScript, which takes bytes in one copy.
"""

import argparse
import hashlib
import json
import sys
import threading

from wasmtime import Config, Engine, Store, Trap, WasmtimeError
from wasmtime import component as wit

INTERFACE = "orgwatch:detector/detection@1.0.0"

# A batch is about so long: a call with one takes less than a second, well within its deadline.
BATCH = 256 << 10


class Refused(Exception):
    """Settings, a pack or a state that the component does not take."""


class Detector:
    """An opened detector. A guest that traps or takes too long is replaced by a new one with the
    memory that was saved last, and what it was given is examined again without the event that did
    it."""

    def __init__(self, path, settings="{}", packs=(), seconds=10, max_memory=1 << 30):
        with open(path, "rb") as file:
            code = file.read()
        # The component cannot know its own digest.
        self.digest = "sha256:" + hashlib.sha256(code).hexdigest()
        config = Config()
        config.epoch_interruption = True
        self.engine = Engine(config)
        self.component = wit.Component(self.engine, code)
        self.settings, self.packs = settings, list(packs)
        self.seconds, self.max_memory = seconds, max_memory
        self.state = None
        self._open()

    def _open(self):
        self.store = Store(self.engine)
        self.store.set_limits(memory_size=self.max_memory)
        self.store.set_epoch_deadline(1)
        # An empty linker: the component asks for nothing, and could get nothing.
        self.instance = wit.Linker(self.engine).instantiate(self.store, self.component)
        self.interface = self.instance.get_export_index(self.store, INTERFACE)
        if self.interface is None:
            raise Refused(f"the component does not export {INTERFACE}")
        opened = self._call("[static]detector.open", self.settings, self.packs)
        # result<detector, list<setting-problem>>
        if not isinstance(opened, wit.ResourceAny):
            raise Refused("; ".join(f"{one.path}: {one.problem}" for one in opened))
        self.detector = opened
        if self.state is not None:
            self._call("[method]detector.merge-state", self.detector, self.state)

    def _call(self, name, *arguments):
        index = self.instance.get_export_index(self.store, name, self.interface)
        function = self.instance.get_func(self.store, index)
        # Another thread ends a call that does not end by itself.
        self.store.set_epoch_deadline(1)
        watch = threading.Timer(self.seconds, self.engine.increment_epoch)
        watch.start()
        try:
            answer = function(self.store, *arguments)
            function.post_return(self.store)
            return answer
        finally:
            watch.cancel()

    def save(self):
        """The memory: keep it where it outlives this program. Loading is merging."""
        self.state = self._call("[method]detector.save-state", self.detector)
        return self.state

    def merge(self, state):
        """Adds a memory, of this detector or of another, and gives the findings this completes."""
        answer = self._call("[method]detector.merge-state", self.detector, state)
        if isinstance(answer, str):
            raise Refused(answer)
        self.save()
        return [self._shown(finding) for finding in answer]

    def detect_batch(self, events):
        """Findings, and what could not be read as pairs of a line's number and a reason."""
        try:
            batch = self._call("[method]detector.detect-batch", self.detector, events)
        except (Trap, WasmtimeError) as error:
            self._open()
            return self._without_the_culprit(events, error)
        self.save()
        findings = [self._shown(located.finding) for located in batch.findings]
        return findings, [(one.place.line, one.reason) for one in batch.unreadable]

    def _without_the_culprit(self, events, error):
        """Halves the batch until the event that did it stands alone."""
        # Not splitlines: a carriage return within a line ends no event.
        lines = events.removesuffix(b"\n").split(b"\n")
        if len(lines) < 2:
            return [], [(1, f"the component failed: {str(error).splitlines()[0]}")]
        middle = len(lines) // 2
        findings, unreadable = self.detect_batch(b"\n".join(lines[:middle]))
        more, others = self.detect_batch(b"\n".join(lines[middle:]))
        return findings + more, unreadable + [(middle + line, why) for line, why in others]

    def _shown(self, finding):
        """A finding as orgwatch itself writes it as JSON."""
        shown = plain(finding)
        for name in ("principal", "target"):
            if "kind" in shown.get(name, {}):
                shown[name]["type"] = shown[name].pop("kind")
        if "details" in shown:
            shown["details"] = dict(shown["details"])
        if not shown["repeat"]:
            del shown["repeat"]
        shown["artifact"]["digest"] = self.digest
        return shown


def batches(stream):
    """The lines of a stream in batches, each with the number of lines before it."""
    before, lines, length = 0, [], 0
    for line in stream:
        if lines and length + len(line) > BATCH:
            yield before, b"".join(lines)
            before, lines, length = before + len(lines), [], 0
        lines.append(line)
        length += len(line)
    if lines:
        yield before, b"".join(lines)


def plain(value):
    """Records as dictionaries, without what is absent; names with underscores."""
    if isinstance(value, wit.Record):
        named = ((name.replace("-", "_"), plain(one)) for name, one in vars(value).items())
        return {name: one for name, one in named if one is not None and one != []}
    return [plain(one) for one in value] if isinstance(value, list) else value


def main():
    arguments = argparse.ArgumentParser(description="Runs the orgwatch component on events.")
    arguments.add_argument("component")
    arguments.add_argument("--settings", help="a file with settings, as JSON")
    arguments.add_argument("--pack", action="append", default=[], help="a file with a compiled pack")
    arguments = arguments.parse_args()
    settings = "{}"
    if arguments.settings:
        with open(arguments.settings, encoding="utf-8") as file:
            settings = file.read()
    packs = []
    for pack in arguments.pack:
        with open(pack, "rb") as file:
            packs.append(file.read())
    try:
        detector = Detector(arguments.component, settings, packs)
    except Refused as error:
        sys.exit(f"host.py: {error}")
    for before, events in batches(sys.stdin.buffer):
        findings, unreadable = detector.detect_batch(events)
        for finding in findings:
            print(json.dumps(finding, ensure_ascii=False, sort_keys=True))
        for line, reason in unreadable:
            print(f"host.py: line {before + line}: {reason}", file=sys.stderr)


if __name__ == "__main__":
    main()

"""Why HL7 v2 is read by our own code: the libraries there are, beside it, on sample messages and damaged copies of them.

    pip install --target peers hl7 hl7apy
    python benchmarks/hl7_parsers.py --samples FOLDER --peers peers

Prints microseconds a message, what each could not parse, in how many messages the texts of OBX segments are the same as ours,
and how many exceptions quote the message that they are about.
"""

import argparse
import random
import re
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sidelight.labeling.readers.hl7_message import MessageError, Segment, parse_message, split_messages
from sidelight.labeling.readers.lines import Line

_TEXT = ("TX", "FT", "ST")


def main() -> None:
    options = _options()
    sys.path.append(options.peers)
    import hl7
    import hl7apy.parser

    warnings.simplefilter("ignore")
    messages = [
        b"MSH" + part
        for file in sorted(Path(options.samples).glob("*.hl7"))
        for part in re.split(rb"(?m)^(?:\xef\xbb\xbf)?\x0b?MSH", file.read_bytes())[1:]
    ]
    chance = random.Random(0)
    damaged = [damage(chance.choice(messages), chance) for _ in range(options.damaged)]
    parsers: dict[str, Callable[[bytes], Any]] = {
        "sidelight": parse,
        "hl7": lambda message: hl7.parse(as_text(message)),
        "hl7apy": lambda message: hl7apy.parser.parse_message(as_text(message), find_groups=False),
    }
    print(f"{len(messages)} messages, {len(damaged)} damaged copies")
    for name, parser in parsers.items():
        for what, group in (("whole", messages), ("damaged", damaged if name != "hl7apy" else damaged[:300])):
            faults, quoting, seconds = try_all(parser, group)
            told = ", ".join(f"{fault} {n}" for fault, n in faults.most_common()) or "none"
            print(
                f"{name:9} {what:8} {1e6 * seconds / len(group):8.0f} us/message; not parsed: {told}; "
                f"exceptions that quote their message: {quoting}"
            )
    same = sum(our_texts(message) == their_texts(hl7, message) for message in messages)
    print(f"texts as hl7 has them: {same} of {len(messages)} messages")


def try_all(parser: Callable[[bytes], Any], messages: list[bytes]) -> tuple[Counter[str], int, float]:
    """Parse all messages; return what went wrong, how many exceptions quote a message, and the CPU seconds."""
    faults: Counter[str] = Counter()
    quoting = 0
    begin = time.process_time()
    for message in messages:
        try:
            parser(message)
        except MessageError as error:
            faults[error.reason] += 1
        except Exception as error:
            faults[type(error).__name__] += 1
            words = set(re.findall(r"\w{5,}", as_text(message)))
            quoting += bool(words & set(re.findall(r"\w{5,}", str(error))))
    return faults, quoting, time.process_time() - begin


def parse(message: bytes) -> list[list[Segment]]:
    """Parse with our own code."""
    lines = [Line(0, 1, line) for line in re.split(rb"[\r\n]", message)]
    return [parse_message(raw) for raw in split_messages(lines)]


def our_texts(message: bytes) -> list[str]:
    return [s.text(5) for found in parse(message) for s in found if s.name == "OBX" and s.part(2) in _TEXT]


def their_texts(hl7: Any, message: bytes) -> list[str]:
    found = hl7.parse(as_text(message))
    rows = [row for row in found if str(row[0]) == "OBX" and len(row) > 5 and str(row[2]) in _TEXT]
    return [found.unescape(str(row[5])) for row in rows]


def damage(message: bytes, chance: random.Random) -> bytes:
    """Change, cut out or put in bytes of a message."""
    data = bytearray(message)
    for _ in range(chance.choice([1, 1, 3, 10])):
        place, kind = chance.randrange(len(data)), chance.random()
        if kind < 0.4:
            data[place] = chance.randrange(256)
        elif kind < 0.7:
            del data[place : place + chance.randrange(1, 20)]
        else:
            data[place:place] = chance.choice([b"|", b"^", b"\r", b"\\", b"\x00", b"&~", b"\\X", b"MSH|"])
        data = data or bytearray(b"M")
    return bytes(data)


def as_text(message: bytes) -> str:
    """Return a message as the libraries want it."""
    return message.replace(b"\r\n", b"\r").replace(b"\n", b"\r").decode("utf-8", errors="replace")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", required=True, help="folder of .hl7 files")
    parser.add_argument("--peers", required=True, help="folder that hl7 and hl7apy were installed to")
    parser.add_argument("--damaged", type=int, default=2000, help="damaged messages")
    return parser.parse_args()


if __name__ == "__main__":
    main()

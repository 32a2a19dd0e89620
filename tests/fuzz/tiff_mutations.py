"""Change TIFF files in ways that their readers may stumble over, with and without knowing TIFF."""

import random
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

__all__ = ["mutate", "with_entries"]

LONGEST = 2**19  # bytes of a changed file
TAGS = (
    254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 296,
    297, 305, 317, 320, 322, 323, 324, 325, 330, 338, 339, 340, 341, 347, 530, 532, 33550, 33922,
    34264, 34735, 34736, 34737, 34853, 42112, 42113, 50674, 50844, 65535,
)  # fmt: skip
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
TYPE_BYTES |= {16: 8, 17: 8, 18: 8}
COMPRESSIONS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34712, 34887, 34925, 50000, 50001, 50002)
NUMBERS = (
    0, 1, 2, 3, 7, 8, 15, 16, 19, 20, 21, 34, 59, 60, 61, 119, 120, 121, 127, 128, 255, 256, 1000,
    4095, 4096, 10980, 32767, 32768, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1,
)  # fmt: skip
DOUBLES = (0.0, -0.0, 1.0, -1.0, 10.0, 20.0, 60.0, 1e-300, 5e-324, 1e9, -1e9, 1e300, float("nan"),
           float("inf"), float("-inf"), 0.1, 10.000000001)  # fmt: skip
NODATA_TEXTS = (
    b"0\0", b" 0\0", b"0 \0", b"00\0", b"-0\0", b"+0\0", b"0.0\0", b"1e2\0", b"nan\0", b"-inf\0",
    b"0x10\0", b"65535\0", b"65536\0", b"-1\0", b"99999999999999999999\0", b"\0", b"0", b"abc\0",
    b"7\0" + b"x" * 9, b"1" * 5000 + b"\0", b"1_000\0", "٣\0".encode(), b"0,5\0",
)  # fmt: skip
GEO_KEYS = (0, 1, 2, 3, 1024, 1025, 2048, 2049, 3072, 3073, 3076, 4326, 9001, 9002, 32600, 32601,
            32633, 32660, 32661, 32701, 32760, 32761, 32767, 34736, 34737, 65535)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One entry of a directory: its tag, type, count, where it stands and where its values are."""

    tag: int
    kind: int
    count: int
    place: int
    values: int

    @property
    def length(self) -> int:
        return TYPE_BYTES.get(self.kind, 1) * self.count


class Layout:
    """Where things stand in a TIFF; nothing where it cannot be told."""

    def __init__(self, content: bytes | bytearray) -> None:
        self.order = ">" if content[:2] == b"MM" else "<"
        self.big = content[2:4] in (b"+\0", b"\0+")
        self.entry_bytes = 20 if self.big else 12
        self.pointer = "Q" if self.big else "I"
        self.directory = 0
        self.entries: list[Entry] = []
        with suppress(struct.error, OverflowError):
            self._read(content)

    def _read(self, content: bytes | bytearray) -> None:
        (self.directory,) = self.unpack(self.pointer, content, 8 if self.big else 4)
        (count,) = self.unpack("Q" if self.big else "H", content, self.directory)
        place = self.directory + (8 if self.big else 2)
        for _ in range(min(count, 200)):
            tag, kind, length = self.unpack(f"HH{self.pointer}", content, place)
            values = place + (12 if self.big else 8)
            if TYPE_BYTES.get(kind, 1) * length > (8 if self.big else 4):
                (values,) = self.unpack(self.pointer, content, values)
            self.entries.append(Entry(tag, kind, length, place, values))
            place += self.entry_bytes

    def unpack(self, form: str, content: bytes | bytearray, place: int) -> tuple:
        return struct.unpack_from(self.order + form, content, place)

    def put(self, content: bytearray, place: int, form: str, *values: float) -> None:
        """Write values where there is room for them."""
        packed = struct.pack(self.order + form, *values)
        if place >= 0 and place + len(packed) <= len(content):
            content[place : place + len(packed)] = packed


Mutator = Callable[[bytearray, Layout, random.Random], "bytearray | None"]


def number(content: bytearray, chance: random.Random) -> int:
    """A number that something may be wrong with, in 32 bits."""
    near = (len(content), len(content) // 2, chance.randrange(1 << chance.randint(1, 32)))
    return (chance.choice((*NUMBERS, *near)) + chance.choice((0, 0, 0, 1, -1))) % 2**32


def flip_bytes(content: bytearray, layout: Layout, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 2, 8))):
        content[chance.randrange(len(content))] ^= chance.choice((1, 2, 4, 8, 128, 255))


def flip_header_bytes(content: bytearray, layout: Layout, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 2, 4))):
        content[chance.randrange(min(len(content), 640))] = chance.randrange(256)


def cut(content: bytearray, layout: Layout, chance: random.Random) -> None:
    del content[chance.randrange(1, len(content) + 1) :]


def lengthen(content: bytearray, layout: Layout, chance: random.Random) -> None:
    content += bytes(chance.choice((1, 2, 3, 1000)))


def remove_slice(content: bytearray, layout: Layout, chance: random.Random) -> None:
    start = chance.randrange(len(content))
    del content[start : start + chance.choice((1, 2, 4, 12, 100))]


def repeat_slice(content: bytearray, layout: Layout, chance: random.Random) -> None:
    start, length = chance.randrange(len(content)), chance.choice((1, 2, 4, 12, 100))
    content[start:start] = content[start : start + length]


def overwrite_number(content: bytearray, layout: Layout, chance: random.Random) -> None:
    form = chance.choice("BHIQ")
    value = number(content, chance) % 2 ** (8 * struct.calcsize(form))
    layout.put(content, chance.randrange(min(len(content), 640)), form, value)


def change_magic(content: bytearray, layout: Layout, chance: random.Random) -> None:
    content[:4] = chance.choice((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"II\0*", b"EP*\0"))


def change_directory_pointer(content: bytearray, layout: Layout, chance: random.Random) -> None:
    layout.put(content, 8 if layout.big else 4, layout.pointer, number(content, chance))


def change_entry_count(content: bytearray, layout: Layout, chance: random.Random) -> None:
    count = len(layout.entries) + chance.choice((-2, -1, 1, 2, 100, 65000))
    layout.put(content, layout.directory, "Q" if layout.big else "H", max(0, count) % 65536)


def chain_directories(content: bytearray, layout: Layout, chance: random.Random) -> None:
    if layout.entries:
        end = layout.entries[-1].place + layout.entry_bytes
        pointer = chance.choice((layout.directory, 8, 1, len(content), number(content, chance)))
        layout.put(content, end, layout.pointer, pointer)


def change_tag(content: bytearray, layout: Layout, chance: random.Random) -> None:
    if layout.entries:
        layout.put(content, chance.choice(layout.entries).place, "H", chance.choice(TAGS))


def change_type(content: bytearray, layout: Layout, chance: random.Random) -> None:
    if layout.entries:
        layout.put(content, chance.choice(layout.entries).place + 2, "H", chance.randrange(20))


def change_count(content: bytearray, layout: Layout, chance: random.Random) -> None:
    if layout.entries:
        entry = chance.choice(layout.entries)
        count = chance.choice((entry.count + 1, max(entry.count, 1) - 1, number(content, chance)))
        layout.put(content, entry.place + 4, layout.pointer, count % 2**32)


def change_pointer(content: bytearray, layout: Layout, chance: random.Random) -> None:
    if layout.entries:
        place = chance.choice(layout.entries).place + (12 if layout.big else 8)
        pointer = chance.choice((layout.directory, number(content, chance), len(content) - 1))
        layout.put(content, place, layout.pointer, pointer)


def change_value(content: bytearray, layout: Layout, chance: random.Random) -> None:
    """Another number among the values of an entry, such as a strip's offset or length."""
    if not layout.entries:
        return
    entry = chance.choice(layout.entries)
    form = {1: "B", 3: "H", 4: "I", 12: "d", 11: "f", 16: "Q"}.get(entry.kind, "B")
    place = entry.values + struct.calcsize(form) * chance.randrange(max(1, min(entry.count, 9999)))
    if form in "df":
        value = chance.choice(DOUBLES) if form == "d" else 1.5
        layout.put(content, place, form, value)
        return
    sensible = {259: COMPRESSIONS, 34735: GEO_KEYS}.get(entry.tag)
    value = chance.choice(sensible) if sensible else number(content, chance)
    layout.put(content, place, form, value % 2 ** (8 * struct.calcsize(form)))


def swap_entries(content: bytearray, layout: Layout, chance: random.Random) -> None:
    if len(layout.entries) > 1:
        first, second = (entry.place for entry in chance.sample(layout.entries, 2))
        size = layout.entry_bytes
        content[first : first + size], content[second : second + size] = (
            content[second : second + size],
            content[first : first + size],
        )


def repeat_entry(content: bytearray, layout: Layout, chance: random.Random) -> None:
    if len(layout.entries) > 1:
        source, target = (entry.place for entry in chance.sample(layout.entries, 2))
        content[target : target + layout.entry_bytes] = content[
            source : source + layout.entry_bytes
        ]


def rewrite_directory(
    content: bytearray, layout: Layout, chance: random.Random
) -> bytearray | None:
    """A new, orderly directory at the end, with an entry changed, added or left out."""
    entries = {entry.tag: _raw_entry(content, layout, entry) for entry in layout.entries}
    if not entries:
        return None
    for _ in range(chance.choice((1, 1, 2))):
        tag = chance.choice((*entries, *TAGS))
        if chance.random() < 0.2:
            entries.pop(tag, None)
        else:
            entries[tag] = _new_entry(content, chance, tag, layout)
    return _appended(content, layout, entries)


def _raw_entry(content: bytearray, layout: Layout, entry: Entry) -> tuple[int, int, bytes]:
    end = entry.values + min(entry.length, LONGEST // 8)
    return entry.kind, entry.count, bytes(content[entry.values : end])


def _new_entry(
    content: bytearray, chance: random.Random, tag: int, layout: Layout
) -> tuple[int, int, bytes]:
    """Type, count and values that at least could stand in this tag."""
    if tag == 42113:
        text = chance.choice(NODATA_TEXTS)
        return 2, len(text), text
    if tag in (33550, 33922, 34264, 34736):
        count = {33550: 3, 33922: 6, 34264: 16, 34736: 3}[tag] + chance.choice((0, 0, 0, -1, 6))
        values = [chance.choice(DOUBLES) for _ in range(count)]
        return 12, count, struct.pack(f"{layout.order}{count}d", *values)
    if tag == 34735:
        keys = [1, 1, 0, chance.choice((1, 2, 7, 65535))]
        for _ in range(chance.randrange(5)):
            keys += [chance.choice(GEO_KEYS), chance.choice((0, 0, 34736, 34737)), 1]
            keys.append(chance.choice(GEO_KEYS))
        return 3, len(keys), struct.pack(f"{layout.order}{len(keys)}H", *keys)
    if tag in (34737, 42112, 305, 270):
        text = chance.choice((b"WGS 84|\0", b"<GDALMetadata>", b"\xff" * 99, b"", b"|" * 70000))
        return 2, len(text), text
    known = {259: COMPRESSIONS, 317: (1, 2, 3, 4), 284: (1, 2, 3), 339: (1, 2, 3, 4, 5, 6, 9)}
    known |= {258: (1, 4, 8, 12, 16, 24, 32, 64, 128), 262: range(11), 266: (1, 2), 274: range(10)}
    known |= {277: (0, 1, 2, 3, 5, 255, 65535), 338: (0, 1, 2)}
    kind = chance.choice((3, 4))
    count = chance.choice((1, 1, 1, 1, 2, 4))
    some = known.get(tag)
    values = [chance.choice(some) if some else number(content, chance) for _ in range(count)]
    bits = 16 if kind == 3 else 32
    form = f"{layout.order}{count}{'H' if kind == 3 else 'I'}"
    return kind, count, struct.pack(form, *(value % 2**bits for value in values))


def _appended(
    content: bytearray, layout: Layout, entries: dict[int, tuple[int, int, bytes]]
) -> bytearray:
    content = content + bytes(len(content) % 2)
    room = 8 if layout.big else 4
    table = b""
    for tag in sorted(entries):
        kind, count, values = entries[tag]
        if len(values) > room:
            place = struct.pack(layout.order + layout.pointer, len(content))
            content += values + bytes(len(values) % 2)
        else:
            place = values.ljust(room, b"\0")
        table += struct.pack(f"{layout.order}HH{layout.pointer}", tag, kind, count) + place
    count_form = "Q" if layout.big else "H"
    layout.put(content, 8 if layout.big else 4, layout.pointer, len(content))
    content += struct.pack(layout.order + count_form, len(entries)) + table + bytes(room)
    return content


def with_entries(content: bytes, entries: dict[int, tuple[int, int, bytes]]) -> bytes:
    """A file with other entries, by their tag: type, count and values in the file's byte order."""
    layout = Layout(content)
    own = {entry.tag: _raw_entry(bytearray(content), layout, entry) for entry in layout.entries}
    return bytes(_appended(bytearray(content), layout, own | entries))


MUTATORS: tuple[Mutator, ...] = (
    flip_bytes, flip_header_bytes, cut, lengthen, remove_slice, repeat_slice, overwrite_number,
    change_magic, change_directory_pointer, change_entry_count, chain_directories, change_tag,
    change_type, change_count, change_pointer, change_value, change_value, change_value,
    swap_entries, repeat_entry, rewrite_directory, rewrite_directory, rewrite_directory,
)  # fmt: skip


def mutate(content: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """Change a file once to four times; now and then its end comes from another file.

    Parameters
    ----------
    content : bytes
    others : list of bytes
        Files whose pieces may be put in.
    chance : random.Random
        The same state gives the same file.
    """
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 4))):
        if not changed:
            break
        if chance.random() < 0.03:
            other = chance.choice(others)
            changed[chance.randrange(len(changed)) :] = other[chance.randrange(len(other)) :]
            continue
        mutator = chance.choice(MUTATORS)
        changed = mutator(changed, Layout(changed), chance) or changed
        del changed[LONGEST:]
    return bytes(changed)

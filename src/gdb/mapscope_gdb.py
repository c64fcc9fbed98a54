# gdb's view of mapscope's maps, in a running program or in a core.
#
#     (gdb) source /usr/share/mapscope/mapscope_gdb.py
#     (gdb) print *sessions
#     $1 = msc_map "sessions": 3 entries in 2^1 buckets, growing from 2^0 (0 of 1 evacuated), seq 3 = {["alice"] = ...}
#     (gdb) mapscope state 0x55555557a2a0
#     {"map": "0x55555557a2a0", "pid": 4711, "generation": 1, "name": "sessions", "count": 3, ...}
#
# Nothing of the program is called and nothing changed. Every member is found by its name in the debug information
# of libmapscope, so it must be there (-g, or Debian's libmapscope-dbgsym). Keys and values are shown as what
# msc_map_type.key_type and value_type say, else by their size. `set print elements` bounds what is shown.

import json
import os

import gdb

KIND_U64, KIND_BYTES, KIND_U32, KIND_POINTER, KIND_BORROWED, KIND_CUSTOM = range(6)  # enum msc_key_kind
SLOTS = 8
EMPTY_ONE, MIN_TOPHASH = 1, 5  # enum msc_map_slot_state
CHAIN_MAX = 1 << 20  # buckets; a longer one is damage
TEXT_MAX = 200  # bytes of a key


def plain_type(name):
    return gdb.lookup_type(name)


def text_of(pointer):
    """A C string, or "" where there is none to be read."""
    try:
        return pointer.string(errors='replace') if int(pointer) else ''
    except gdb.error:
        return ''


def named_type(name):
    """The type of that C name, or None."""
    try:
        stars = name.count('*')
        found = gdb.lookup_type(name.replace('*', '').strip())
        for _ in range(stars):
            found = found.pointer()
        return found
    except gdb.error:
        return None


def by_size(address, size):
    """What lies at `address`, of no known type: a number if it can be one, else its bytes."""
    if size in (1, 2, 4, 8):
        return gdb.Value(address).cast(plain_type('uint%d_t' % (8 * size)).pointer()).dereference()
    if size == 0:
        return '(none)'
    return gdb.Value(address).cast(plain_type('unsigned char').array(size - 1).pointer()).dereference()


def typed(address, size, type_name):
    found = named_type(type_name) if type_name else None
    if found is not None and found.sizeof == size:
        return gdb.Value(address).cast(found.pointer()).dereference()
    return by_size(address, size)


def bytes_text(address, length):
    """Key bytes as text: quoted, what is not printable escaped, long ones cut."""
    shown = bytes(gdb.selected_inferior().read_memory(address, min(length, TEXT_MAX))) if length else b''
    text = ''.join(chr(c) if 32 <= c < 127 and c not in (34, 92) else '\\%03o' % c for c in shown)
    return '"%s"%s' % (text, '...' if length > TEXT_MAX else '')


class Types:
    """What a map or flavour says of its keys and values."""

    def __init__(self, kind, key_size, value_size, map_type):
        self.kind, self.key_size, self.value_size = int(kind), int(key_size), int(value_size)
        self.key_type, self.value_type = text_of(map_type['key_type']), text_of(map_type['value_type'])

    def number_key(self, number):
        if self.kind == KIND_POINTER:
            return '0x%x' % number
        return str(number)

    def value(self, address):
        return typed(address, self.value_size, self.value_type)


class Map:
    """struct msc_map."""

    def __init__(self, value):
        self.map = value
        layout = value['layout']
        self.types = Types(value['kind'], layout['key_size'], layout['value_size'], value['type'])
        self.values_offset, self.pairs_size = int(layout['values_offset']), int(layout['pairs_size'])
        self.key_stride, self.value_stride = int(layout['key_stride']), int(layout['value_stride'])

    def key(self, address):
        kind = self.types.kind
        if kind in (KIND_BYTES, KIND_BORROWED):
            string = gdb.Value(address).cast(gdb.lookup_type('struct map_string').pointer()).dereference()
            return bytes_text(int(string['bytes']), int(string['length']))
        if kind == KIND_CUSTOM:
            return typed(address, self.types.key_size, self.types.key_type)
        return self.types.number_key(int(by_size(address, self.types.key_size)))

    def chain(self, table, number):
        """(tophash bytes, address of the keys and values) of bucket `number` and its overflow buckets."""
        view = table['view']
        yield int(view['tops']) + number * SLOTS, int(view['pairs']) + number * self.pairs_size
        bucket = view['buckets'] + number
        for _ in range(CHAIN_MAX):
            bucket = bucket['overflow']
            if not int(bucket):
                return
            yield int(bucket['tops'].address), int(bucket + 1)

    def slots(self, table, number):
        for tops, pairs in self.chain(table, number):
            states = bytes(gdb.selected_inferior().read_memory(tops, SLOTS))
            for index in range(SLOTS):
                if states[index] >= MIN_TOPHASH:
                    yield pairs, index

    def buckets(self):
        """(table, number) of every bucket that holds entries: old ones that are not evacuated yet, then the others."""
        table, old = self.map['table'], self.map['old']
        waiting = set()
        if int(old):
            for number in range(int(self.map['nevacuate']), int(old['view']['mask']) + 1):
                if not EMPTY_ONE < int(old['view']['tops'][number * SLOTS]) < MIN_TOPHASH:
                    waiting.add(number)
                    yield old, number
        if int(table):
            for number in range(int(table['view']['mask']) + 1):
                if not waiting or number & int(old['view']['mask']) not in waiting:
                    yield table, number

    def entries(self):
        """(key, value) of each entry."""
        for table, number in self.buckets():
            for pairs, index in self.slots(table, number):
                key = pairs + index * self.key_stride
                yield self.key(key), self.types.value(pairs + self.values_offset + index * self.value_stride)

    def name(self):
        return text_of(self.map['name'].address.cast(gdb.lookup_type('char').pointer()))

    def state(self):
        """Everything but the entries, as plain values."""
        table, old, guard = self.map['table'], self.map['old'], self.map['head']['guard']
        growing = bool(int(old))
        return {
            'generation': int(self.map['identity']['generation']),
            'name': self.name(),
            'flavor': int(self.map['identity']['flavor']),
            'count': int(self.map['count']),
            'B': int(table['B']) if int(table) else 0,
            'growing': growing,
            'same_size': growing and bool(self.map['same_size']),
            'old_B': int(old['B']) if growing else None,
            'nevacuate': int(self.map['nevacuate']) if growing else None,
            'noverflow': int(self.map['noverflow']),
            'seq': int(self.map['seq']),
            'iterations': int(self.map['iterations']),
            'writer': int(guard['writer']),
            'writer_pc': '0x%x' % int(guard['pc']) if int(guard['writer']) else None,
        }

    def summary(self):
        state = self.state()
        text = '"%s": %d entries in 2^%d buckets' % (state['name'], state['count'], state['B'])
        if state['growing']:
            same = ' to the same size' if state['same_size'] else ''
            text += ', growing%s from 2^%d (%d of %d evacuated)' % (
                same, state['old_B'], state['nevacuate'], 1 << state['old_B'])
        if state['noverflow']:
            text += ', %d overflow buckets' % state['noverflow']
        text += ', seq %d' % state['seq']
        if state['iterations']:
            text += ', %d iterations open' % state['iterations']
        if state['writer']:
            text += ', thread %d writes, from %s' % (state['writer'], code_place(guard_pc(self.map)))
        return text


def guard_pc(value):
    return int(value['head']['guard']['pc'])


def code_place(pc):
    """A return address as gdb shows code: 0x55... <main+12>."""
    return str(gdb.Value(pc).cast(plain_type('void').pointer()))


# ---- printers: each shows a map as what it says of itself and its entries ----


class MapPrinter:
    def __init__(self, value):
        self.map = Map(value)

    def to_string(self):
        return 'msc_map ' + self.map.summary()

    def children(self):
        return numbered(self.map.entries())

    def display_hint(self):
        return 'map'


def numbered(entries):
    """gdb's form of a map: keys and values in turn, each with a name. An unreadable place ends it."""
    number = 0
    try:
        for key, value in entries:
            yield 'key%d' % number, key
            yield 'value%d' % number, value
            number += 1
    except gdb.MemoryError as error:
        yield 'key%d' % number, '(unreadable)'
        yield 'value%d' % number, str(error)


class ProbePrinter:
    """struct msc_probe: a table that is not ours."""

    def __init__(self, value):
        self.probe = value

    def to_string(self):
        return 'msc_probe "%s": generation %d, seq %d%s' % (
            text_of(self.probe['name']), int(self.probe['generation']), int(self.probe['seq']),
            ', weak id' if int(self.probe['flags']) & 1 else '')


PRINTERS = {'msc_map': MapPrinter, 'msc_probe': ProbePrinter}
MAPS = {'msc_map': Map}  # by struct: what has a state()


def find_printer(value):
    kind = value.type.strip_typedefs()
    if kind.code != gdb.TYPE_CODE_STRUCT or kind.tag not in PRINTERS or not kind.fields():
        return None
    return PRINTERS[kind.tag](value)


# ---- mapscope state ADDRESS... ----


class StateCommand(gdb.Command):
    """mapscope state POINTER...: the state of each map, one line of JSON for each. An address alone is a msc_map's;
    a pointer to a flavour is one of that: 'mapscope state sessions users "(struct msc_rwmap *)0x55555557a2a0"'."""

    def __init__(self):
        gdb.Command('mapscope', gdb.COMMAND_DATA, prefix=True)
        super().__init__('mapscope state', gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        for word in gdb.string_to_argv(argument):
            print(json.dumps(self.line(gdb.parse_and_eval(word))))

    @staticmethod
    def line(pointer):
        kind = pointer.type.strip_typedefs()
        tag = kind.target().strip_typedefs().tag if kind.code == gdb.TYPE_CODE_PTR else None
        tag = tag if tag in MAPS else 'msc_map'
        line = {'map': '0x%x' % int(pointer), 'pid': gdb.selected_inferior().pid}
        try:
            typed_pointer = gdb.Value(int(pointer)).cast(gdb.lookup_type('struct ' + tag).pointer())
            line.update(MAPS[tag](typed_pointer.dereference()).state())
        except gdb.error as error:
            line['error'] = str(error)
        return line


if find_printer.__name__ not in [getattr(printer, '__name__', '') for printer in gdb.pretty_printers]:
    gdb.pretty_printers.insert(0, find_printer)
    StateCommand()
gdb.execute('source ' + os.path.join(os.path.dirname(os.path.abspath(__file__)), 'mapscope_gdb_flavours.py'))

# The concurrent maps, for mapscope_gdb.py, which sources this and whose names it uses.
#
#     (gdb) print *users
#     $1 = msc_syncmap "users": 120 entries, 100 in read (amended), 124 in dirty, 7 misses, seq 310 = {[1] = ...}
#
# What is shown is what a look-up would find now, whatever half or shard or node it lies in.

SHARED_FLAVORS = {'msc_rwmap': 1, 'msc_syncmap': 2, 'msc_shardmap': 3, 'msc_cowmap': 4, 'msc_mapwriter': 5}
CELL_DELETED = 1 << 63  # syncmap_cell.h
NODE_MAX = 1 << 22  # of a trie; more is damage
SHARD_BITS_MAX = 10  # as in shardmap.c


def follow(pointer, type_name):
    """What an (atomic) pointer points to, as that struct; None for NULL."""
    address = int(pointer)
    return gdb.Value(address).cast(gdb.lookup_type(type_name).pointer()).dereference() if address else None


def address_of(value):
    return int(value.address)


class Flavour:
    """What all begin with: struct flavour."""

    def __init__(self, value):
        self.value, self.flavour = value, value['flavour']
        self.types = Types(self.flavour['kind'], self.flavour['type']['key_size'], self.flavour['value_size'],
                           self.flavour['type'])

    def key(self, number, address):
        """A stored key: a number, or that many bytes at `address`."""
        if self.types.kind in (KIND_BYTES, KIND_BORROWED):
            return bytes_text(address, number)
        if self.types.kind == KIND_CUSTOM:
            return typed(address, self.types.key_size, self.types.key_type)
        return self.types.number_key(number)

    def state(self):
        own = {
            'generation': int(self.flavour['generation']),
            'name': text_of(self.flavour['name']),
            'flavor': SHARED_FLAVORS[self.value.type.strip_typedefs().tag],
        }
        own.update(self.inside())
        return own

    def summary(self):
        return '"%s": %s' % (text_of(self.flavour['name']), self.text())


class OneCore(Flavour):
    """msc_rwmap and msc_mapwriter: one msc_map behind a lock."""

    def __init__(self, value):
        super().__init__(value)
        self.core = Map(value['core'].dereference())

    def entries(self):
        return self.core.entries()

    def inside(self):
        state = self.core.state()
        kept = ('count', 'B', 'growing', 'same_size', 'old_B', 'nevacuate', 'noverflow', 'seq')
        return {key: state[key] for key in kept}

    def text(self):
        return self.core.summary().split(': ', 1)[1] + self.lock_text()


class Rwmap(OneCore):
    def lock_text(self):
        lock = self.value['lock']
        readers = sum(int(lock['stripes'][i]['readers']) for i in range(int(lock['mask']) + 1))
        stayers = int(lock['stayers'])
        return (', %d readers inside' % readers if readers else '') + (', %d iterate' % stayers if stayers else '')


class Mapwriter(OneCore):
    def lock_text(self):
        ranges, waiting = int(self.value['ranges']), int(self.value['waiting_writers'])
        return (', %d iterate' % ranges if ranges else '') + (', %d writers wait' % waiting if waiting else '')


class Shardmap(Flavour):
    def __init__(self, value):
        super().__init__(value)
        if int(value['shard_bits']) > SHARD_BITS_MAX:
            raise gdb.error('no msc_shardmap is there')
        self.cores = [Map(value['shards'][i]['core'].dereference()) for i in range(1 << int(value['shard_bits']))]

    def entries(self):
        for core in self.cores:
            yield from core.entries()

    def inside(self):
        states = [core.state() for core in self.cores]
        return {
            'count': sum(state['count'] for state in states),
            'shards': len(states),
            'growing_shards': sum(state['growing'] for state in states),
            'least_B': min(state['B'] for state in states),
            'most_B': max(state['B'] for state in states),
            'seq': max(self.number(core, state['seq']) for core, state in zip(self.cores, states)),
        }

    @staticmethod
    def number(core, seq):
        """As the trace has it: docs/events.md."""
        identity = core.map['identity']
        return seq << int(identity['seq_shift']) | int(identity['seq_low']) if seq else 0

    def text(self):
        state = self.inside()
        return '%d entries in %d shards of 2^%d to 2^%d buckets, %d growing, seq %d' % (
            state['count'], state['shards'], state['least_B'], state['most_B'], state['growing_shards'], state['seq'])


class Syncmap(Flavour):
    def __init__(self, value):
        super().__init__(value)
        self.read = follow(value['read'], 'struct syncmap_table')
        self.dirty = follow(value['dirty'], 'struct syncmap_table')

    def slots(self, table):
        first = address_of(table['slots'])
        slot_type = gdb.lookup_type('struct syncmap_slot')
        for number in range(int(table['mask']) + 1):
            slot = gdb.Value(first + number * slot_type.sizeof).cast(slot_type.pointer())
            entry = follow(slot['entry'], 'struct syncmap_entry')
            if entry is not None:
                yield entry

    def entries(self):
        # While there is a dirty half it has every live entry of read, too.
        for entry in self.slots(self.dirty if self.dirty is not None else self.read):
            cell = entry['cell']['half']
            if not int(cell['version']) & CELL_DELETED:
                yield self.key(int(entry['number']), address_of(entry['bytes'])), self.types.value(self.place(cell))

    def place(self, cell):
        """Of the value: the cell's word itself, or in the box that it leads to."""
        if not bool(self.value['has_boxes']):
            return address_of(cell['word'])
        return address_of(follow(cell['word'], 'struct syncmap_box')['value'])

    def inside(self):
        return {
            'count': max(int(self.value['count']), 0),
            'read': int(self.read['count']),
            'amended': bool(int(self.read['amended'])),
            'dirty': int(self.dirty['count']) if self.dirty is not None else None,
            'misses': int(self.value['misses']),
            'seq': int(self.value['seq']),
        }

    def text(self):
        state = self.inside()
        text = '%d entries, %d in read' % (state['count'], state['read'])
        if state['amended']:
            text += ' (amended)'
        if state['dirty'] is not None:
            text += ', %d in dirty, %d misses' % (state['dirty'], state['misses'])
        return text + ', seq %d' % state['seq']


class Cowmap(Flavour):
    def __init__(self, value):
        super().__init__(value)
        self.root = follow(value['root'], 'struct cowmap_node')
        self.values_bytes = (self.types.value_size + 15) & ~15

    def leaves(self):
        waiting = [address_of(self.root)]
        word = plain_type('unsigned long')
        for _ in range(NODE_MAX):
            if not waiting:
                return
            node = follow(gdb.Value(waiting.pop()), 'struct cowmap_node')
            first = address_of(node['slots'])
            for number in range(int(node['count'])):
                slot = int(gdb.Value(first + number * word.sizeof).cast(word.pointer()).dereference())
                if slot & 1:
                    yield follow(gdb.Value(slot - 1), 'struct cowmap_leaf')
                else:
                    waiting.append(slot)

    def entries(self):
        for leaf in self.leaves():
            value = address_of(leaf['value_and_key'])
            yield self.key(int(leaf['number']), value + self.values_bytes), self.types.value(value)

    def snapshots(self):
        count, snapshot = 0, follow(self.value['youngest'], 'struct msc_cowmap_snapshot')
        while snapshot is not None and count < CHAIN_MAX:
            count, snapshot = count + 1, follow(snapshot['older'], 'struct msc_cowmap_snapshot')
        return count

    def inside(self):
        return {'count': int(self.root['entries']), 'seq': int(self.root['block']['birth']),
                'snapshots': self.snapshots()}

    def text(self):
        state = self.inside()
        text = '%d entries, seq %d' % (state['count'], state['seq'])
        return text + (', %d snapshots' % state['snapshots'] if state['snapshots'] else '')


class FlavourPrinter:
    def __init__(self, value):
        self.tag = value.type.strip_typedefs().tag
        self.map = MAPS[self.tag](value)

    def to_string(self):
        return '%s %s' % (self.tag, self.map.summary())

    def children(self):
        return numbered(self.map.entries())

    def display_hint(self):
        return 'map'


MAPS.update({'msc_rwmap': Rwmap, 'msc_syncmap': Syncmap, 'msc_shardmap': Shardmap, 'msc_cowmap': Cowmap,
             'msc_mapwriter': Mapwriter})
PRINTERS.update({tag: FlavourPrinter for tag in SHARED_FLAVORS})

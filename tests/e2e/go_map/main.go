// What Go's own map does: every operation on it, and the state that it leaves, one line each.
//
//	go_map SEED | map_replay
//
//	new   HINT
//	put   KEY HASH   B NOVERFLOW GROWTH NEVACUATE COUNT CHAIN
//	del   KEY HASH   ...
//	clear            ...
//	sum              TABLE
//
// GROWTH is -, double or same; NEVACUATE is - without growth. CHAIN is a digest of the tophash bytes of the
// key's chain, slot by slot; TABLE is one of all chains that hold entries. Numbers are decimal, digests and
// hashes hexadecimal. The seed chooses the operations; the hashes are Go's, another each run.
//
// For the map of Go 1.19 (Debian 12), the last with this layout is 1.23.
package main

import (
	"bufio"
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"unsafe"
)

// runtime.hmap
type hmap struct {
	count      int
	flags      uint8
	B          uint8
	noverflow  uint16
	hash0      uint32
	buckets    unsafe.Pointer
	oldbuckets unsafe.Pointer
	nevacuate  uintptr
	extra      unsafe.Pointer
}

// runtime.bmap of a map[uint64]uint64
type bmap struct {
	tophash  [8]uint8
	keys     [8]uint64
	values   [8]uint64
	overflow *bmap
}

const (
	sameSizeGrow = 8 // of hmap.flags
	minTopHash   = 5
)

//go:linkname memhash64 runtime.memhash64
func memhash64(key unsafe.Pointer, seed uintptr) uintptr

// A map under watch, with its keys in the order of their insertion.
type subject struct {
	m      map[uint64]uint64
	keys   []uint64
	random *rand.Rand
	next   uint64
}

var out = bufio.NewWriterSize(os.Stdout, 1<<20)
var line []byte

func (s *subject) hmap() *hmap { return *(**hmap)(unsafe.Pointer(&s.m)) }

func (s *subject) hash(key uint64) uint64 {
	return uint64(memhash64(unsafe.Pointer(&key), uintptr(s.hmap().hash0)))
}

func bucketAt(table unsafe.Pointer, n uint64) *bmap {
	return (*bmap)(unsafe.Add(table, uintptr(n)*unsafe.Sizeof(bmap{})))
}

func evacuated(b *bmap) bool { return b.tophash[0] > 1 && b.tophash[0] < minTopHash }

// FNV-1a of a chain's tophash bytes.
func digest(sum uint64, b *bmap) uint64 {
	for ; b != nil; b = b.overflow {
		for _, top := range b.tophash {
			sum = (sum ^ uint64(top)) * 0x100000001b3
		}
	}
	return sum
}

const digestBegin = 0xcbf29ce484222325

func (s *subject) table() uint64 {
	h := s.hmap()
	sum := uint64(digestBegin)
	for n := uint64(0); h.buckets != nil && n < 1<<h.B; n++ {
		sum = digest(sum, bucketAt(h.buckets, n))
	}
	old := uint64(1) << h.B
	if h.flags&sameSizeGrow == 0 {
		old >>= 1
	}
	for n := uint64(0); h.oldbuckets != nil && n < old; n++ {
		if b := bucketAt(h.oldbuckets, n); !evacuated(b) {
			sum = digest(sum, b)
		}
	}
	return sum
}

func number(n uint64) { line = append(strconv.AppendUint(line, n, 10), ' ') }
func hex(n uint64)    { line = append(strconv.AppendUint(line, n, 16), ' ') }
func word(w string)   { line = append(append(line, w...), ' ') }

func flush() {
	line[len(line)-1] = '\n'
	out.Write(line)
	line = line[:0]
}

func (s *subject) state() {
	h := s.hmap()
	number(uint64(h.B))
	number(uint64(h.noverflow))
	switch {
	case h.oldbuckets == nil:
		word("- -")
	case h.flags&sameSizeGrow != 0:
		word("same")
		number(uint64(h.nevacuate))
	default:
		word("double")
		number(uint64(h.nevacuate))
	}
	number(uint64(h.count))
}

// The operation with its key; its hash is the one that it was carried out with.
func (s *subject) tell(verb string, key, hash uint64) {
	h := s.hmap()
	word(verb)
	number(key)
	hex(hash)
	s.state()
	if h.buckets == nil {
		word("-")
	} else {
		hex(digest(digestBegin, bucketAt(h.buckets, hash&(1<<h.B-1))))
	}
	flush()
}

func (s *subject) put(key uint64) {
	hash := s.hash(key)
	if _, there := s.m[key]; !there {
		s.keys = append(s.keys, key)
	}
	s.m[key] = key
	s.tell("put", key, hash)
}

func (s *subject) del(key uint64) {
	hash := s.hash(key)
	delete(s.m, key)
	s.tell("del", key, hash)
}

func (s *subject) clear() {
	for key := range s.m { // the compiler makes it a runtime.mapclear
		delete(s.m, key)
	}
	s.keys = s.keys[:0]
	word("clear")
	s.state()
	flush()
}

func (s *subject) sum() {
	word("sum")
	hex(s.table())
	flush()
}

// A key that was never in the map.
func (s *subject) fresh() uint64 {
	s.next++
	return s.next
}

// A fresh key whose hash ends in the lowest bits of `low`.
func (s *subject) collide(bits uint, low uint64) uint64 {
	mask := uint64(1)<<bits - 1
	for {
		if key := s.fresh(); s.hash(key)&mask == low&mask {
			return key
		}
	}
}

func (s *subject) delAt(i int) {
	key := s.keys[i]
	last := len(s.keys) - 1
	s.keys[i] = s.keys[last]
	s.keys = s.keys[:last]
	s.del(key)
}

func (s *subject) any() int { return s.random.Intn(len(s.keys)) }

func begin(random *rand.Rand, hint int) *subject {
	s := &subject{m: make(map[uint64]uint64, hint), random: random}
	if s.hmap() == nil {
		panic("no map")
	}
	word("new")
	number(uint64(hint))
	flush()
	return s
}

// Nothing but inserts, up to the growth to B = 15.
func rise(random *rand.Rand) {
	s := begin(random, 0)
	for len(s.keys) < 125000 {
		s.put(s.fresh())
		if len(s.keys)&(len(s.keys)-1) == 0 {
			s.sum()
		}
	}
	s.sum()
}

// Many short lives, every operation among them.
func mix(random *rand.Rand, lives, operations int) {
	for life := 0; life < lives; life++ {
		hint := 0
		if life%3 == 1 {
			hint = random.Intn(1 << uint(random.Intn(12)))
		}
		s := begin(random, hint)
		insertions := 30 + random.Intn(50) // in 100
		for i := 0; i < operations; i++ {
			switch dice := random.Intn(1000); {
			case dice < 2:
				s.clear()
			case len(s.keys) == 0 || dice < insertions*10:
				s.put(s.fresh())
			case dice < 900:
				s.delAt(s.any())
			case dice < 950:
				s.put(s.keys[s.any()])
			default:
				s.del(s.fresh()) // is not there
			}
		}
		s.sum()
	}
}

// The oldest goes when one comes: overflow buckets pile up until a growth of the same size sheds them.
func slide(random *rand.Rand, window, operations int) {
	s := begin(random, window)
	for i := 0; i < operations; i++ {
		if len(s.keys) == window {
			key := s.keys[0]
			s.keys = s.keys[1:]
			s.del(key)
		}
		s.put(s.fresh())
	}
	s.sum()
}

// Long chains, filled and thinned in turn.
func pile(random *rand.Rand, bits uint, operations int) {
	s := begin(random, 1<<bits*4)
	low := uint64(0)
	for i := 0; i < operations; i++ {
		switch {
		case i%97 == 0:
			low = random.Uint64()
			s.sum()
		case len(s.keys) > 40 && random.Intn(100) < 48:
			s.delAt(s.any())
		default:
			s.put(s.collide(bits, low))
		}
	}
	s.sum()
}

// Writes run ahead of the evacuation, bucket by bucket, until it meets more evacuated ones than it may pass over.
func overtake(random *rand.Rand) {
	const oldB, ahead = 12, 1500
	s := begin(random, 0)
	for s.hmap().B < oldB || s.hmap().oldbuckets != nil {
		s.put(s.fresh())
	}
	for s.hmap().oldbuckets == nil {
		s.put(s.fresh())
	}
	in := make([]uint64, 1<<oldB) // a key of each old bucket
	for _, key := range s.keys {
		in[s.hash(key)&(1<<oldB-1)] = key
	}
	for n := ahead; n < 2*ahead+1100 && s.hmap().oldbuckets != nil; n++ {
		if in[n&(1<<oldB-1)] != 0 {
			s.put(in[n&(1<<oldB-1)])
		}
	}
	s.sum()
	for s.hmap().oldbuckets != nil {
		s.put(s.keys[s.any()])
	}
	s.sum()
}

// Emptied, then cleared and written again while it grows: a growth of the same size needs few entries.
func vanish(random *rand.Rand, clears int) {
	const bits = 4
	s := begin(random, 6<<bits)
	for low := uint64(0); s.hmap().noverflow < 1<<bits; low++ {
		for i := 0; i < 30 && s.hmap().noverflow < 1<<bits; i++ {
			s.put(s.collide(bits, low))
		}
		for len(s.keys) > 1 {
			s.delAt(0)
		}
	}
	s.delAt(0)
	s.put(s.fresh())
	s.delAt(0)
	if s.hmap().oldbuckets == nil {
		panic("an empty map that grows was wanted")
	}
	for i := 0; i < clears; i++ {
		s.clear()
	}
	for i := 0; i < 500; i++ {
		s.put(s.fresh())
		if i == 200 {
			s.clear()
		}
	}
	s.sum()
}

func main() {
	seed, err := strconv.ParseInt(os.Args[1], 10, 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, "usage: go_map SEED")
		os.Exit(2)
	}
	random := rand.New(rand.NewSource(seed))
	rise(random)
	mix(random, 300, 300)
	mix(random, 6, 10000)
	slide(random, 100, 10000)
	slide(random, 5000, 60000)
	pile(random, 3, 4000)
	pile(random, 6, 20000)
	overtake(random)
	vanish(random, 0)
	vanish(random, 2)
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Go's counterparts of the concurrent maps, the same work as bench/flavours.c:
//
//	flavours WRITES_PERCENT ENTRIES OPS THREADS NAME   ->   ns an operation
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

type store interface {
	load(key uint64) (uint64, bool)
	save(key, value uint64)
}

type rwMap struct {
	lock sync.RWMutex
	m    map[uint64]uint64
}

func (s *rwMap) load(key uint64) (uint64, bool) {
	s.lock.RLock()
	value, ok := s.m[key]
	s.lock.RUnlock()
	return value, ok
}

func (s *rwMap) save(key, value uint64) {
	s.lock.Lock()
	s.m[key] = value
	s.lock.Unlock()
}

type syncMap struct{ m sync.Map }

func (s *syncMap) load(key uint64) (uint64, bool) {
	value, ok := s.m.Load(key)
	if !ok {
		return 0, false
	}
	return value.(uint64), true
}

func (s *syncMap) save(key, value uint64) { s.m.Store(key, value) }

const shards = 32

type shardMap struct {
	shard [shards]struct {
		rwMap
		_ [64]byte
	}
}

func mix(key uint64) uint64 { return key * 0x9e3779b97f4a7c15 >> 59 }

func (s *shardMap) load(key uint64) (uint64, bool) { return s.shard[mix(key)].load(key) }
func (s *shardMap) save(key, value uint64)         { s.shard[mix(key)].save(key, value) }

// What Go programs do for a map that is read without a lock: a copy for each write.
type cowMap struct {
	lock sync.Mutex
	m    atomic.Value
}

func (s *cowMap) load(key uint64) (uint64, bool) {
	value, ok := s.m.Load().(map[uint64]uint64)[key]
	return value, ok
}

func (s *cowMap) save(key, value uint64) {
	s.lock.Lock()
	old := s.m.Load().(map[uint64]uint64)
	next := make(map[uint64]uint64, len(old)+1)
	for k, v := range old {
		next[k] = v
	}
	next[key] = value
	s.m.Store(next)
	s.lock.Unlock()
}

// A write with a deadline: the lock is a channel, the deadline a timer.
type timedMap struct {
	turn chan struct{}
	m    map[uint64]uint64
}

func (s *timedMap) load(key uint64) (uint64, bool) {
	<-s.turn
	value, ok := s.m[key]
	s.turn <- struct{}{}
	return value, ok
}

func (s *timedMap) save(key, value uint64) {
	timer := time.NewTimer(time.Second)
	select {
	case <-s.turn:
		s.m[key] = value
		s.turn <- struct{}{}
	case <-timer.C:
	}
	timer.Stop()
}

func filled(entries uint64) map[uint64]uint64 {
	m := make(map[uint64]uint64)
	for key := uint64(0); key < entries; key++ {
		m[key] = key
	}
	return m
}

func create(name string, entries uint64) store {
	var s store
	switch name {
	case "rwmap":
		s = &rwMap{m: map[uint64]uint64{}}
	case "syncmap":
		s = &syncMap{}
	case "shardmap":
		shard := &shardMap{}
		for i := range shard.shard {
			shard.shard[i].m = map[uint64]uint64{}
		}
		s = shard
	case "cowmap":
		cow := &cowMap{}
		cow.m.Store(filled(entries))
		return cow
	default:
		timed := &timedMap{turn: make(chan struct{}, 1), m: filled(entries)}
		timed.turn <- struct{}{}
		return timed
	}
	for key := uint64(0); key < entries; key++ {
		s.save(key, key)
	}
	if m, ok := s.(*syncMap); ok {
		m.m.Range(func(key, value any) bool { return false })
	}
	return s
}

func number(n int) uint64 {
	value, err := strconv.ParseUint(os.Args[n], 10, 64)
	if err != nil {
		panic(err)
	}
	return value
}

var missed atomic.Uint64

func work(s store, seed, writes, entries, ops uint64) {
	random := seed
	for i := uint64(0); i < ops; i++ {
		random = random*6364136223846793005 + 1442695040888963407
		key := (random >> 33) % entries
		if (random>>20)%1000 < writes*10 {
			s.save(key, i)
		} else if _, ok := s.load(key); !ok {
			missed.Add(1)
		}
	}
}

func main() {
	writes, entries, ops, threads := number(1), number(2), number(3), number(4)
	s := create(os.Args[5], entries)
	var group sync.WaitGroup
	begin := time.Now()
	for i := uint64(0); i < threads; i++ {
		group.Add(1)
		go func(i uint64) {
			work(s, i+1, writes, entries, ops)
			group.Done()
		}(i)
	}
	group.Wait()
	fmt.Printf("%.1f\n", float64(time.Since(begin).Nanoseconds())/float64(ops))
	if missed.Load() != 0 {
		os.Exit(1)
	}
}

// Go's map and sync.Map with the loops of peer.h. usage: go_maps [COUNT [map|sync]]
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"unsafe"
)

type key16 struct{ a, b uint64 }

func random(state *uint64) uint64 {
	*state += 0x9e3779b97f4a7c15
	z := *state
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

func keys(count int, state *uint64) []uint64 {
	made := make([]uint64, count)
	for i := range made {
		made[i] = random(state)
	}
	return made
}

// The calling thread's CPU time: collection in the background is not the map's own.
func cpu() float64 {
	var now syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 3, uintptr(unsafe.Pointer(&now)), 0)
	return float64(now.Sec)*1e9 + float64(now.Nsec)
}

func resident() float64 {
	runtime.GC()
	debug.FreeOSMemory()
	var size, pages uint64
	text, _ := os.ReadFile("/proc/self/statm")
	fmt.Sscan(string(text), &size, &pages)
	return float64(pages) * 4096
}

var sink uint64

func wide(n uint64) key16 { return key16{n, n * 3} }

func report(name string, count int, t [6]float64, bytes float64) {
	n := float64(count)
	fmt.Printf("%s %.2f %.2f %.2f %.2f %.2f %.1f\n", name, (t[1]-t[0])/n, (t[2]-t[1])/n, (t[3]-t[2])/n, (t[4]-t[3])/n,
		(t[5]-t[4])/n, bytes/n)
}

func plain[K comparable](name string, made, shuffled, absent []K) {
	var t [6]float64
	before := resident()
	m := make(map[K]uint64)
	t[0] = cpu()
	for i, k := range made {
		m[k] = uint64(i)
	}
	inserting := cpu() - t[0]
	bytes := resident() - before
	sum := uint64(0)
	for _, k := range shuffled {
		sum += m[k]
	}
	t[1] = cpu()
	t[0] = t[1] - inserting
	for _, k := range shuffled {
		sum += m[k]
	}
	t[2] = cpu()
	for _, k := range absent {
		if _, ok := m[k]; ok {
			os.Exit(1)
		}
	}
	t[3] = cpu()
	for _, v := range m {
		sum += v
	}
	t[4] = cpu()
	for _, k := range shuffled {
		delete(m, k)
	}
	t[5] = cpu()
	sink = sum
	report(name, len(made), t, bytes)
}

func synced[K comparable](name string, made, shuffled, absent []K) {
	var t [6]float64
	before := resident()
	var m sync.Map
	t[0] = cpu()
	for i, k := range made {
		m.Store(k, uint64(i))
	}
	inserting := cpu() - t[0]
	bytes := resident() - before
	sum := uint64(0)
	for _, k := range shuffled {
		v, _ := m.Load(k)
		sum += v.(uint64)
	}
	t[1] = cpu()
	t[0] = t[1] - inserting
	for _, k := range shuffled {
		v, _ := m.Load(k)
		sum += v.(uint64)
	}
	t[2] = cpu()
	for _, k := range absent {
		if _, ok := m.Load(k); ok {
			os.Exit(1)
		}
	}
	t[3] = cpu()
	m.Range(func(k, v any) bool {
		sum += v.(uint64)
		return true
	})
	t[4] = cpu()
	for _, k := range shuffled {
		m.Delete(k)
	}
	t[5] = cpu()
	sink = sum
	report(name, len(made), t, bytes)
}

func widen(narrow []uint64) []key16 {
	made := make([]key16, len(narrow))
	for i, n := range narrow {
		made[i] = wide(n)
	}
	return made
}

func main() {
	runtime.LockOSThread()
	count := 1000000
	if len(os.Args) > 1 {
		count, _ = strconv.Atoi(os.Args[1])
	}
	state := uint64(1)
	made, absent := keys(count, &state), keys(count, &state)
	shuffled := append([]uint64(nil), made...)
	for i := range shuffled {
		j := int(random(&state) % uint64(i+1))
		shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
	}
	if len(os.Args) > 2 && os.Args[2] == "sync" {
		synced("u64", made, shuffled, absent)
		synced("key16", widen(made), widen(shuffled), widen(absent))
		return
	}
	plain("u64", made, shuffled, absent)
	plain("key16", widen(made), widen(shuffled), widen(absent))
}

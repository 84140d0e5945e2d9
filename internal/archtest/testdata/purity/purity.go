// Package purity breaks the rules of pure packages, one a line.
package purity

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"        // want: must not import sync
	"sync/atomic" // want: must not import sync/atomic
	"time"        // want: must not import time
)

type table map[string]int

type mailbox struct {
	in chan int // want: must not use a channel
}

func goroutine() {
	go fmt.Sprint() // want: must not start a goroutine
}

func wait() {
	select {} // want: must not select
}

func send(m mailbox) {
	m.in <- 1 // want: must not use a channel
}

func receive(m mailbox) {
	for range m.in { // want: must not use a channel
		return
	}
}

func chance(seed uint64) int {
	seeded := rand.New(rand.NewPCG(seed, seed))
	return seeded.IntN(3) + rand.IntN(3) // want: must not use IntN of math/rand/v2
}

func order(m table) (sum int) {
	for range m { // want: range over a map
		sum++
	}
	for range m { //maporder:ok counting does not depend on the order
		sum++
	}
	//maporder:ok counting does not depend on the order
	for range m {
		sum++
	}
	for range m { /* no reason; want: range over a map */ //maporder:ok
		sum++
	}
	for range maps.Keys(m) { // want: maps.Keys in a pure package
		sum++
	}
	for range slices.Sorted(maps.Keys(m)) {
		sum++
	}
	return sum
}

func generic[M ~map[K]V, K comparable, V any](m M) {
	for range m { // want: range over a map
		return
	}
}

func terminal() {
	fmt.Println() // want: must not use the terminal (fmt.Println)
}

var (
	_ sync.Mutex
	_ atomic.Bool
	_ time.Duration
	_ net.Conn     // want: must not use Conn of net
	_ http.Handler // want: must not use Handler of net/http

	_, _, _ = net.SplitHostPort("host:1")
	_       = http.StatusOK
)

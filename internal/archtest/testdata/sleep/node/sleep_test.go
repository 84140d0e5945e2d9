package node

import (
	"testing"
	clock "time"
)

func TestSomethingSlow(t *testing.T) {
	clock.Sleep(clock.Second) // want: time.Sleep in a test: wait on an event
}

package node

import (
	"fmt"
	"time"

	"github.com/cohortkv/cohort/node/wire"
)

// stuckAfter is how long a step may take, or be overdue, before the node counts as stuck. The
// longest steps, over whole stores, take a second.
const stuckAfter = 10 * wire.Second

// Stuck implements front.Backend.
func (b *backend) Stuck() string { return b.driver.stuck() }

// stuck says why the core makes no progress; empty: it does. It takes no lock that a step holds,
// so that it answers while a step hangs.
func (d *driver) stuck() string {
	now := d.clock()
	since := wire.Instant(d.began.Load())
	if since != 0 && now-since > stuckAfter {
		return fmt.Sprintf("a step of the core has not ended for %v", seconds(now-since))
	}
	if due := wire.Instant(d.due.Load()); since == 0 && due != 0 && now-due > stuckAfter {
		return fmt.Sprintf("the core was not woken, %v after its deadline", seconds(now-due))
	}
	return ""
}

func seconds(i wire.Instant) time.Duration { return time.Duration(i).Round(100 * time.Millisecond) }

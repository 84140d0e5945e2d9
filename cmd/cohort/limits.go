package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/node"
)

// clientLimits are the flags that bound the resources of a node that clients may use.
type clientLimits struct {
	MaxConnections int      `env:"COHORT_MAX_CONNECTIONS" placeholder:"N" help:"Most open HTTP connections (16384, or fewer if the limit on open files is lower)."`
	MaxPerAddress  int      `name:"max-connections-per-address" env:"COHORT_MAX_CONNECTIONS_PER_ADDRESS" placeholder:"N" help:"Most open HTTP connections of one client address (three quarters of --max-connections)."`
	RequestMemory  byteSize `env:"COHORT_REQUEST_MEMORY" placeholder:"SIZE" help:"Most memory of all requests in progress: bodies, waiting values and answers (256MiB). Requests beyond it get 503."`
	MaxBytes       byteSize `env:"COHORT_MAX_BYTES" placeholder:"SIZE" help:"Most data of both buckets on this node (no bound). Writes beyond it get 507; deletions pass."`
	MaxDumps       int      `env:"COHORT_MAX_DUMPS" placeholder:"N" help:"Most answers to GET /data that are streamed at a time (16)."`
}

func (c clientLimits) limits() node.HTTPLimits {
	return node.HTTPLimits{
		Connections: c.MaxConnections, ConnectionsPerAddress: c.MaxPerAddress,
		RequestBytes: int64(c.RequestMemory), Dumps: c.MaxDumps, StoreBytes: int64(c.MaxBytes),
	}
}

// byteSize is a number of bytes on the command line: 1500000, 64KiB, 256MiB, 4GiB.
type byteSize int64

// UnmarshalText implements encoding.TextUnmarshaler for kong.
func (b *byteSize) UnmarshalText(text []byte) error {
	digits, unit := strings.TrimSpace(string(text)), int64(1)
	for suffix, size := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40} {
		if rest, ok := strings.CutSuffix(digits, suffix); ok {
			digits, unit = strings.TrimSpace(rest), size
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return fmt.Errorf("%q is not a size such as 256MiB", text)
	}
	*b = byteSize(n * unit)
	return nil
}

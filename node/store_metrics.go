package node

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cohortkv/cohort/node/store/disk"
)

// onDisk is what a store on disk tells of itself.
type onDisk interface{ Stats() disk.Stats }

// durability is the mode of the node's store.
func (n *Node) durability() string {
	if s, ok := n.cfg.Store.(onDisk); ok {
		return string(s.Stats().Mode)
	}
	return "memory"
}

// storeMeters collects how far a store on disk has come.
type storeMeters struct{ node *Node }

var (
	durabilityMode = prometheus.NewDesc("cohort_durability",
		"1 for the durability that the node was started with.", []string{"mode"}, nil)
	logPosition = prometheus.NewDesc("cohort_log_position",
		"Last record of the log: that was appended (written), that is durable (durable), that is in the state (applied), that a restart does not replay (checkpoint).", []string{"which"}, nil)
	logBacklog = prometheus.NewDesc("cohort_log_backlog_bytes",
		"Bytes that wait for the log (log) and for the state (state).", []string{"for"}, nil)
	logSyncs = prometheus.NewDesc("cohort_log_sync_seconds",
		"How long writes to the log took, each with its sync.", nil, nil)
	logLastSync = prometheus.NewDesc("cohort_log_last_sync_timestamp_seconds",
		"When the last write to the log ended.", nil, nil)
)

// Describe implements prometheus.Collector.
func (*storeMeters) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{durabilityMode, logPosition, logBacklog, logSyncs, logLastSync} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m *storeMeters) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, label ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, label...)
	}
	gauge(durabilityMode, 1, m.node.durability())
	store, ok := m.node.cfg.Store.(onDisk)
	if !ok {
		return
	}
	s := store.Stats()
	gauge(logPosition, float64(s.Written), "written")
	gauge(logPosition, float64(s.Durable), "durable")
	gauge(logPosition, float64(s.Applied), "applied")
	gauge(logPosition, float64(s.Checkpoint), "checkpoint")
	gauge(logBacklog, float64(s.Unwritten), "log")
	gauge(logBacklog, float64(s.Unapplied), "state")
	to <- prometheus.MustNewConstHistogram(logSyncs, s.Syncs.Count, s.Syncs.Seconds, s.Syncs.Within)
	if !s.Syncs.Last.IsZero() {
		gauge(logLastSync, float64(s.Syncs.Last.UnixNano())/1e9)
	}
}

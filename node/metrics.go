package node

import (
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// meters are the counters of the driver and the reporter. Any goroutine may read them.
type meters struct {
	events    *prometheus.CounterVec
	applied   prometheus.Histogram
	sent      *prometheus.CounterVec
	sentOf    [256]prometheus.Counter // by kind of message; made at the first message
	unsent    prometheus.Counter
	damaged   prometheus.Counter
	misnamed  prometheus.Counter
	overrun   prometheus.Counter
	deferred  prometheus.Counter
	linesLost atomic.Uint64 // lines beyond maxLines

	mergeConflicts prometheus.Counter
}

func newMeters() *meters {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	return &meters{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cohort_events_total", Help: "Events of the protocol, by kind.",
		}, []string{"kind"}),
		applied: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "cohort_commit_entries", Help: "Writes that became visible at once.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cohort_messages_sent_total", Help: "Messages given to the bus for other nodes, by kind.",
		}, []string{"kind"}),
		unsent:   counter("cohort_messages_unsent_total", "Messages that the bus did not take."),
		damaged:  counter("cohort_messages_damaged_total", "Messages that arrived and could not be read."),
		misnamed: counter("cohort_messages_misnamed_total", "Messages that name another sender than the node that sent them."),
		overrun:  counter("cohort_messages_overrun_total", "Messages dropped because too many inputs waited."),
		deferred: counter("cohort_inputs_deferred_total", "Inputs that another one led to, and that waited because these were too many."),

		mergeConflicts: counter("cohort_merge_conflicts_total", "Keys that several groups had written when this node joined them."),
	}
}

// countSent counts a message. The goroutine inside the driver calls it.
func (m *meters) countSent(kind wire.Kind) {
	if m.sentOf[kind] == nil {
		m.sentOf[kind] = m.sent.WithLabelValues(subjectKinds()[kind])
	}
	m.sentOf[kind].Inc()
}

// register makes a registry with all metrics of a node: its counters, its store, its bus (if the
// bus counts) and its process.
func (m *meters) register(gauges []gauge, conn bus.Conn) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(m.events, m.applied, m.sent, m.unsent, m.damaged, m.misnamed, m.overrun, m.deferred, m.mergeConflicts)
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, g := range gauges {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help}, g.value))
	}
	if counts, ok := conn.(bus.Reporter); ok {
		r.MustRegister(&busMeters{counts})
	}
	return r
}

// logMeter counts the log lines that were lost here and, if the logger counts, in the logger.
func (m *meters) logMeter(unwritten func() uint64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "cohort_log_lines_lost_total", Help: "Log lines lost because the log was not read or could not be written.",
	}, func() float64 {
		lost := m.linesLost.Load()
		if unwritten != nil {
			lost += unwritten()
		}
		return float64(lost)
	})
}

// metricsHandler serves a registry.
func metricsHandler(r *prometheus.Registry) fasthttp.RequestHandler {
	return fasthttpadaptor.NewFastHTTPHandler(promhttp.HandlerFor(r, promhttp.HandlerOpts{}))
}

// gauge is a value that is read when metrics are collected.
type gauge struct {
	name, help string
	value      func() float64
}

// gauges are the values that are read from the node when metrics are collected.
func (n *Node) gauges() []gauge {
	return append(n.backend.gauges(),
		gauge{"cohort_requests_waiting", "Requests that wait for the node.",
			func() float64 { return float64(n.front.Waiting()) }},
		gauge{"cohort_connections", "Open HTTP connections.",
			func() float64 { return float64(n.front.Connections()) }},
		gauge{"cohort_request_bytes", "Bytes that requests under way hold, beyond what a connection costs.",
			func() float64 { return float64(n.front.Pressure().RequestBytes) }},
		gauge{"cohort_requests_shed", "Requests refused so far because the others held all the memory that requests may take.",
			func() float64 { return float64(n.front.Pressure().Shed) }},
		gauge{"cohort_connections_refused", "Connections closed so far because all places were taken, or those of one address.",
			func() float64 { return float64(n.front.Pressure().Refused) }},
		gauge{"cohort_accept_failures", "Connections that could not be accepted so far, for want of file descriptors for instance.",
			func() float64 { return float64(n.front.Pressure().AcceptFails) }},
	)
}

// gauges are the values that are read from the status and the store.
func (b *backend) gauges() []gauge {
	ofStatus := func(value func(*core.NodeStatus) float64) func() float64 {
		return func() float64 { return value(b.status.Load()) }
	}
	return []gauge{
		{"cohort_view_number", "Number of the view that the node holds; 0: none.",
			ofStatus(func(s *core.NodeStatus) float64 { return float64(s.View.ID.Number) })},
		{"cohort_view_members", "Members of the view that the node holds.",
			ofStatus(func(s *core.NodeStatus) float64 { return float64(len(s.View.Layout.Members())) })},
		{"cohort_serving", "1 while strong requests are answered at once: the view's ballot is active here, and no member is waited for.",
			ofStatus(func(s *core.NodeStatus) float64 { return truth(s.StrongReady()) })},
		{"cohort_waiting_members", "Members that strong requests wait for.",
			ofStatus(func(s *core.NodeStatus) float64 { return float64(len(s.Waiting)) })},
		{"cohort_keys", "Keys in the state.",
			func() float64 { return float64(b.state.Len()) }},
		{"cohort_causal_keys", "Keys with a value in the causal bucket, as far as the node holds it.",
			func() float64 { live, _ := b.state.CausalLen(); return float64(live) }},
		{"cohort_causal_tombstones", "Deleted keys that the causal bucket still has to remember.",
			func() float64 { _, tombstones := b.state.CausalLen(); return float64(tombstones) }},
		{"cohort_causal_shards_unheard", "Shards of the causal bucket of which no member is heard: requests for their keys wait.",
			ofStatus(func(s *core.NodeStatus) float64 { return float64(len(s.Unheard)) })},
		{"cohort_causal_ready", "1 while all slots of the causal bucket that the node owns may be served.",
			ofStatus(func(s *core.NodeStatus) float64 { return truth(s.CausalReady) })},
		{"cohort_causal_slots_for_others", "Slots that the node holds and does not own: others have not taken them yet.",
			ofStatus(func(s *core.NodeStatus) float64 { return float64(s.Other) })},
	}
}

// requestMeters collects the counters of a node's front. It refers to the node, because the front
// is made after the registry that it serves.
type requestMeters struct{ node *Node }

var requestsTotal = prometheus.NewDesc("cohort_requests_total",
	`HTTP requests answered, by route, method and status code (0: any other), as of when the answer was made. `+
		`Route "none": the request could not be read. Connections beyond the limit are refused uncounted.`,
	[]string{"route", "method", "code"}, nil)

// Describe implements prometheus.Collector.
func (*requestMeters) Describe(to chan<- *prometheus.Desc) { to <- requestsTotal }

// Collect implements prometheus.Collector.
func (m *requestMeters) Collect(to chan<- prometheus.Metric) {
	for r, n := range m.node.front.Requests() {
		to <- prometheus.MustNewConstMetric(requestsTotal, prometheus.CounterValue, float64(n),
			r.Route, r.Method, strconv.Itoa(r.Code))
	}
}

// waitMeters collects how long members have been waited for, and why.
type waitMeters struct{ backend *backend }

var waitingSeconds = prometheus.NewDesc("cohort_waiting_seconds",
	"How long strong requests have waited for a member, and why; there is none while they do not.",
	[]string{"peer", "why"}, nil)

// Describe implements prometheus.Collector.
func (*waitMeters) Describe(to chan<- *prometheus.Desc) { to <- waitingSeconds }

// Collect implements prometheus.Collector.
func (m *waitMeters) Collect(to chan<- prometheus.Metric) {
	outage := m.backend.Outage()
	for i := range outage.Strong {
		w := &outage.Strong[i]
		to <- prometheus.MustNewConstMetric(waitingSeconds, prometheus.GaugeValue, w.Seconds,
			strconv.FormatUint(w.Node, 10), w.Why)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// busMeters collects the counters of a bus.
type busMeters struct{ bus bus.Reporter }

var (
	busMessages = prometheus.NewDesc("cohort_bus_messages_total",
		"Messages of the bus, by what became of them.", []string{"fate"}, nil)
	busConnections = prometheus.NewDesc("cohort_bus_connections_total",
		"What happened to connections to peers.", []string{"what"}, nil)
	busBacklog = prometheus.NewDesc("cohort_bus_backlog_bytes",
		"Bytes that a peer's socket has not taken yet.", []string{"peer"}, nil)
	busConnected = prometheus.NewDesc("cohort_bus_connected",
		"1 while there is a connection to the peer.", []string{"peer"}, nil)
	busHome = prometheus.NewDesc("cohort_bus_home_connected",
		"1 while there is a connection to the own server, or to the outside NATS cluster.", nil, nil)
)

// Describe implements prometheus.Collector.
func (*busMeters) Describe(to chan<- *prometheus.Desc) {
	to <- busMessages
	to <- busConnections
	to <- busBacklog
	to <- busConnected
	to <- busHome
}

// Collect implements prometheus.Collector.
func (b *busMeters) Collect(to chan<- prometheus.Metric) {
	s := b.bus.Stats()
	count := func(d *prometheus.Desc, v uint64, label string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), label)
	}
	count(busMessages, s.Sent, "sent")
	count(busMessages, s.Dropped, "dropped")
	count(busMessages, s.Received, "received")
	count(busMessages, s.Overruns, "overrun")
	count(busMessages, s.TooLarge, "too_large")
	count(busConnections, s.Connects, "made")
	count(busConnections, s.Disconnects, "broken")
	count(busConnections, s.Strangers, "stranger")
	count(busConnections, s.AsyncErrors, "error")
	to <- prometheus.MustNewConstMetric(busHome, prometheus.GaugeValue, truth(s.Home.Connected))
	for _, p := range s.Peers {
		peer := strconv.FormatUint(uint64(p.ID), 10)
		to <- prometheus.MustNewConstMetric(busBacklog, prometheus.GaugeValue, float64(p.Backlog), peer)
		to <- prometheus.MustNewConstMetric(busConnected, prometheus.GaugeValue, truth(p.Connected), peer)
	}
}

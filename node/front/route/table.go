package route

import "iter"

// Table is the endpoints of a server.
type Table struct {
	all    []*Endpoint
	begin  [256][]*Endpoint // all, by the byte behind the first slash
	other  *Endpoint
	unread *Endpoint
	names  map[string]*counters // of the endpoints, by their names; never changes
}

// New returns the table of these endpoints. A path belongs to the first endpoint whose
// pattern it matches, so the frequent ones stand first. other is for paths that match
// none.
func New(other Endpoint, endpoints ...Endpoint) *Table {
	t := &Table{other: &other, unread: &Endpoint{Name: "none"}, names: map[string]*counters{}}
	for i := range endpoints {
		t.all = append(t.all, &endpoints[i])
	}
	for _, e := range append(t.all[:len(t.all):len(t.all)], t.other, t.unread) {
		if t.names[e.Name] == nil {
			t.names[e.Name] = &counters{}
		}
		e.parts, e.answers = parse(e.Pattern), t.names[e.Name]
		e.fill()
	}
	for _, e := range t.all {
		b := e.parts.prefix[1] // each pattern has a letter there
		t.begin[b] = append(t.begin[b], e)
	}
	return t
}

// Match is the endpoint of a path, as it stood in the request line, at the listener
// for clients or at that for administrators.
func (t *Table) Match(path []byte, administrators bool) *Endpoint {
	if len(path) < 2 {
		return t.other
	}
	for _, e := range t.begin[path[1]] {
		if e.parts.matches(path) && (administrators || e.Place != ForAdministrators) {
			return e
		}
	}
	return t.other
}

// Unread is the endpoint of requests that could not be read.
func (t *Table) Unread() *Endpoint { return t.unread }

// Endpoints yields every endpoint that has a pattern.
func (t *Table) Endpoints() iter.Seq[*Endpoint] {
	return func(yield func(*Endpoint) bool) {
		for _, e := range t.all {
			if !yield(e) {
				return
			}
		}
	}
}

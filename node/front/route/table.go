package route

import "iter"

// Table is the endpoints of a server.
type Table struct {
	all    []*Endpoint
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
	return t
}

// Match is the endpoint of a path, as it stood in the request line, at the listener
// for clients or at that for administrators.
func (t *Table) Match(path []byte, administrators bool) *Endpoint {
	for _, e := range t.all {
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

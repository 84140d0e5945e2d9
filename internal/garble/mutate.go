package garble

import (
	"reflect"
	"strings"

	"github.com/cohortkv/cohort/node/wire"
)

// Bounds on the parts of one message, and on the values that are kept of others.
const (
	maxParts = 4096
	maxAlike = 64
	maxDepth = 12
)

// pool holds values of other messages, by type.
type pool map[reflect.Type][]reflect.Value

// pool collects the values of the observed messages.
func (l *Mutator) pool() pool {
	p := pool{}
	for _, payload := range l.seen {
		if payload == nil {
			continue
		}
		if h, m, err := wire.DecodeMessage(payload); err == nil {
			var x parts
			x.collect(reflect.ValueOf(&h).Elem())
			x.collect(reflect.ValueOf(m).Elem())
			for _, v := range x.all() {
				if same := p[v.Type()]; len(same) < maxAlike {
					p[v.Type()] = append(same, v)
				}
			}
		}
	}
	return p
}

// parts are the places of a message that can be changed.
type parts struct {
	leaves, lists, structs []reflect.Value
}

func (x *parts) all() []reflect.Value {
	return append(append(append([]reflect.Value{}, x.leaves...), x.lists...), x.structs...)
}

func (x *parts) collect(v reflect.Value) {
	if len(x.leaves)+len(x.lists)+len(x.structs) >= maxParts {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		x.structs = append(x.structs, v)
		for i := range v.NumField() {
			x.collect(v.Field(i))
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			x.leaves = append(x.leaves, v)
			return
		}
		x.lists = append(x.lists, v)
		for i := range v.Len() {
			x.collect(v.Index(i))
		}
	default:
		x.leaves = append(x.leaves, v)
	}
}

// mutation changes one message.
type mutation struct {
	src  Source
	pool pool
}

// apply changes one thing.
func (t *mutation) apply(h *wire.Header, m wire.Message) {
	var x parts
	what := t.src.N(8)
	if what == 0 {
		x.collect(reflect.ValueOf(h).Elem())
	} else {
		x.collect(reflect.ValueOf(m).Elem())
	}
	switch {
	case what <= 4 && len(x.leaves) > 0:
		t.leaf(x.leaves[t.src.N(len(x.leaves))])
	case what <= 6 && len(x.lists) > 0:
		t.list(x.lists[t.src.N(len(x.lists))])
	case len(x.structs) > 0:
		v := x.structs[t.src.N(len(x.structs))]
		if !t.swap(v) {
			t.fill(v, 0)
		}
	}
}

// swap replaces a value with one of the same type, from another message or place.
func (t *mutation) swap(v reflect.Value) bool {
	alike := t.pool[v.Type()]
	if len(alike) == 0 {
		return false
	}
	v.Set(alike[t.src.N(len(alike))])
	return true
}

// leaf changes a number, a flag or a text.
func (t *mutation) leaf(v reflect.Value) {
	if t.src.N(3) == 0 && t.swap(v) {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Uint8:
		v.SetUint(uint64(t.src.N(9)))
	case reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(t.number(v.Uint()) & (1<<v.Type().Bits() - 1))
	case reflect.Int64:
		v.SetInt(int64(t.number(uint64(v.Int()))))
	case reflect.String:
		v.SetString(t.text(v.String()))
	case reflect.Slice:
		v.SetBytes([]byte(t.text(string(v.Bytes()))))
	}
}

// number returns a number near another one, or near a limit.
func (t *mutation) number(was uint64) uint64 {
	const most = 1<<62 - 1 // the largest number that the codec accepts
	switch t.src.N(12) {
	case 0:
		return 0
	case 1:
		return 1
	case 2, 3:
		return was + 1
	case 4:
		return was - 1
	case 5:
		return was + uint64(t.src.N(256))
	case 6:
		return was * 2
	case 7:
		return most
	case 8:
		return most - 1
	case 9:
		return 1 << t.src.N(64)
	case 10:
		return ^uint64(0)
	default:
		return t.src.Uint64()
	}
}

func (t *mutation) text(was string) string {
	switch t.src.N(6) {
	case 0:
		return ""
	case 1:
		return was[:len(was)/2]
	case 2:
		return was + "\xff\x00"
	case 3:
		return strings.Repeat("long", 1<<t.src.N(14))
	case 4:
		return was + was
	default:
		return string(rune('a' + t.src.N(26)))
	}
}

// list changes the elements of a list, or their order.
func (t *mutation) list(v reflect.Value) {
	n := v.Len()
	if n == 0 {
		t.grow(v)
		return
	}
	i, j := t.src.N(n), t.src.N(n)
	out := reflect.MakeSlice(v.Type(), 0, n+1)
	switch t.src.N(7) {
	case 0: // a prefix
		out = reflect.AppendSlice(out, v.Slice(0, i))
	case 1: // one element less
		out = reflect.AppendSlice(reflect.AppendSlice(out, v.Slice(0, i)), v.Slice(i+1, n))
	case 2: // one element twice
		out = reflect.AppendSlice(reflect.Append(reflect.AppendSlice(out, v.Slice(0, i)), v.Index(i)), v.Slice(i, n))
	case 3: // two elements exchanged
		out = reflect.AppendSlice(out, v)
		x := reflect.New(v.Type().Elem()).Elem()
		x.Set(out.Index(i))
		out.Index(i).Set(out.Index(j))
		out.Index(j).Set(x)
	case 4: // the whole list many times
		for range 1 << t.src.N(10) {
			out = reflect.AppendSlice(out, v)
			if out.Len() > 1<<16 {
				break
			}
		}
	case 5:
		t.grow(v)
		return
	default: // the reverse order
		for k := n - 1; k >= 0; k-- {
			out = reflect.Append(out, v.Index(k))
		}
	}
	v.Set(out)
}

// grow adds an element.
func (t *mutation) grow(v reflect.Value) {
	x := reflect.New(v.Type().Elem()).Elem()
	if !t.swap(x) {
		t.fill(x, 0)
	}
	v.Set(reflect.Append(v, x))
}

// fill sets a value to one of the pool, or to a random one.
func (t *mutation) fill(v reflect.Value, deep int) {
	if deep > maxDepth || t.src.N(2) == 0 && t.swap(v) {
		return
	}
	switch {
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			t.fill(v.Field(i), deep+1)
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		n := t.src.N(4)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			t.fill(v.Index(i), deep+1)
		}
	default:
		t.leaf(v)
	}
}

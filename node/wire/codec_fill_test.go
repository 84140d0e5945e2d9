package wire

import (
	"fmt"
	"reflect"

	"pgregory.net/rapid"
)

// source says what fill puts into the fields of a value.
type source interface {
	number() uint64
	flag() bool
	length() int // of a slice
	text(field string) string
}

// counting gives every field another value and leaves none zero: a field that
// the codec forgets, or puts into another's place, shows.
type counting struct{ n uint64 }

func (c *counting) number() uint64           { c.n++; return c.n }
func (c *counting) flag() bool               { return true }
func (c *counting) length() int              { return 2 }
func (c *counting) text(field string) string { return fmt.Sprintf("%s %d", field, c.number()) }

// drawn lets rapid choose: numbers of any size, empty and repeated values.
type drawn struct{ *rapid.T }

func (d drawn) number() uint64 {
	if rapid.Bool().Draw(d.T, "small") {
		return rapid.Uint64Range(0, 3).Draw(d.T, "number")
	}
	return rapid.Uint64Range(0, 1<<62-1).Draw(d.T, "number")
}
func (d drawn) flag() bool  { return rapid.Bool().Draw(d.T, "flag") }
func (d drawn) length() int { return rapid.IntRange(0, 3).Draw(d.T, "length") }
func (d drawn) text(field string) string {
	least := 0
	if isKey(field) {
		least = 1
	}
	return string(rapid.SliceOfN(rapid.Byte(), least, 20).Draw(d.T, field))
}

// shortest gives each field as few bytes as it can have, and each list many elements.
type shortest struct{}

func (shortest) number() uint64 { return 0 }
func (shortest) flag() bool     { return false }
func (shortest) length() int    { return 20 }
func (shortest) text(field string) string {
	if isKey(field) {
		return "k"
	}
	return ""
}

// isKey reports whether a field has keys, which are not empty.
func isKey(field string) bool { return field == "Key" || field == "Drop" }

// enumerators are the first and the last one of each type that the codec checks.
var enumerators = map[reflect.Type][2]uint64{
	reflect.TypeFor[OpKind]():      {uint64(OpPut), uint64(OpDelete)},
	reflect.TypeFor[Condition]():   {uint64(Always), uint64(IfVersion)},
	reflect.TypeFor[Status]():      {uint64(Created), uint64(Unknown)},
	reflect.TypeFor[FetchPart]():   {uint64(FetchHead), uint64(FetchEntries)},
	reflect.TypeFor[Fate]():        {uint64(FateLost), uint64(FateBelow)},
	reflect.TypeFor[WriteKind]():   {uint64(WriteMeta), uint64(WriteCausal)},
	reflect.TypeFor[ForwardFate](): {uint64(ForwardDone), uint64(ForwardFinished)},
}

// filled returns a message of a kind with every field given by src.
func filled(src source, k Kind) Message {
	m := NewMessage(k)
	fill(src, "", reflect.ValueOf(m).Elem())
	return m
}

func filledHeader(src source) Header {
	var h Header
	fill(src, "", reflect.ValueOf(&h).Elem())
	return h
}

func fill(src source, field string, v reflect.Value) {
	if limits, ok := enumerators[v.Type()]; ok {
		v.SetUint(limits[0] + src.number()%(limits[1]-limits[0]+1))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(src, v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Slice:
		fillSlice(src, field, v)
	case reflect.Pointer:
		if src.flag() {
			v.Set(reflect.New(v.Type().Elem()))
			fill(src, field, v.Elem())
		}
	case reflect.String:
		v.SetString(src.text(field))
	case reflect.Bool:
		v.SetBool(src.flag())
	case reflect.Int64:
		v.SetInt(int64(src.number()))
	case reflect.Uint64, reflect.Uint32:
		v.SetUint(src.number() & (1<<v.Type().Bits() - 1))
	default:
		panic(fmt.Sprintf("field %s: teach fill about %v", field, v.Type()))
	}
	leaveOut(v.Addr().Interface())
}

// leaveOut empties the fields that a value does not carry.
func leaveOut(v any) {
	switch v := v.(type) {
	case *Entry:
		v.Op.Condition, v.Op.Match = Always, Version{}
	case *CausalForward:
		v.Op.Condition, v.Op.Match = Always, Version{}
		if v.Read {
			v.Op = Op{Key: v.Op.Key}
		}
	case *KeyReply:
		if !v.Present {
			v.Item = Item{}
		}
	case *CausalForwardReply:
		if !v.Present {
			v.Item = Item{}
		}
	case *Sum:
		if v.Count == 0 {
			*v = Sum{}
		}
	case *CausalWrite:
		if !v.AlumniSet {
			v.Alumni = nil
		}
	}
}

// fillSlice leaves an empty slice nil, as it comes out of the decoder.
func fillSlice(src source, field string, v reflect.Value) {
	if v.Type() == reflect.TypeFor[[]byte]() {
		if b := []byte(src.text(field)); len(b) > 0 {
			v.SetBytes(b)
		}
		return
	}
	if n := src.length(); n > 0 {
		v.Set(reflect.MakeSlice(v.Type(), n, n))
	}
	for i := range v.Len() {
		fill(src, field, v.Index(i))
	}
}

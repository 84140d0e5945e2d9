package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"github.com/cohortkv/cohort/api"
)

// memberArg is a member of a view on the command line:
// [shard/]id=host:port[,bus=host:port].
type memberArg struct {
	shard  string
	member api.Member
}

// Decode implements kong.MapperValue. It refuses shard names that are not UTF-8: JSON would
// change them.
func (m *memberArg) Decode(ctx *kong.DecodeContext) error {
	text, err := argument(ctx)
	if err == nil && !utf8.ValidString(text) {
		err = fmt.Errorf("%q is not UTF-8", text)
	}
	if err != nil {
		return err
	}
	return m.parse(text)
}

func (m *memberArg) parse(text string) error {
	name, address, ok := strings.Cut(text, "=")
	if !ok {
		return fmt.Errorf("%q is not like 0=127.0.0.1:8081", text)
	}
	if slash := strings.LastIndexByte(name, '/'); slash >= 0 {
		m.shard, name = name[:slash], name[slash+1:]
	}
	id, err := strconv.ParseUint(name, 10, 64)
	if err != nil {
		return fmt.Errorf("%q: the id %q is not a whole number", text, name)
	}
	address, bus, hasBus := strings.Cut(address, ",bus=")
	m.member = api.Member{ID: id, Address: address, Bus: bus}
	if err := api.CheckAddress(address); err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	if hasBus {
		if err := api.CheckAddress(bus); err != nil {
			return fmt.Errorf("%q: bus: %w", text, err)
		}
	}
	return nil
}

// viewOf groups members by shard, in the order of their first mention. Members
// without a shard make a flat view. The node refuses a mixture.
func viewOf(args []memberArg) api.View {
	view := api.View{Flat: true}
	for _, arg := range args {
		view.Flat = view.Flat && arg.shard == ""
		i := slices.IndexFunc(view.Shards, func(s api.Shard) bool { return s.Name == arg.shard })
		if i < 0 {
			i = len(view.Shards)
			view.Shards = append(view.Shards, api.Shard{Name: arg.shard})
		}
		view.Shards[i].Members = append(view.Shards[i].Members, arg.member)
	}
	return view
}

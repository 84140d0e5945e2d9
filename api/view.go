package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Member is a node of a view.
type Member struct {
	ID      uint64 `json:"id"`
	Address string `json:"address"`       // of its HTTP port, host:port
	Bus     string `json:"bus,omitempty"` // host:port of its bus; empty: the HTTP port + 1000
}

// Shard is a named group of members.
type Shard struct {
	Name    string
	Members []Member
}

// View is a list of members as operators write it. In JSON it is an array (Flat,
// one shard without a name), or an object that maps shard names to arrays.
// UnmarshalJSON checks the view, so a View that was read is valid.
type View struct {
	Flat   bool
	Shards []Shard
}

// BusPortOffset is added to a member's HTTP port when its entry has no "bus".
const BusPortOffset = 1000

// MarshalJSON implements json.Marshaler. A view without members and without a name
// is [].
func (v View) MarshalJSON() ([]byte, error) {
	if v.Flat || v.Shards == nil {
		members := []Member{}
		for _, s := range v.Shards {
			members = append(members, s.Members...)
		}
		return json.Marshal(members)
	}
	var out bytes.Buffer
	out.WriteByte('{')
	for i, s := range v.Shards {
		if i > 0 {
			out.WriteByte(',')
		}
		name, _ := AppendString(nil, s.Name)
		members, err := json.Marshal(append([]Member{}, s.Members...))
		if err != nil {
			return nil, err
		}
		out.Write(append(name, ':'))
		out.Write(members)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// UnmarshalJSON implements json.Unmarshaler. Unknown members of entries are
// ignored.
func (v *View) UnmarshalJSON(raw []byte) error {
	parsed, err := parseLayout(raw)
	if err != nil {
		return err
	}
	if err := parsed.check(); err != nil {
		return err
	}
	*v = parsed
	return nil
}

func parseLayout(raw []byte) (View, error) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) > 0 && raw[0] == '[':
		members, err := parseMembers("view", raw)
		if err != nil || len(members) == 0 {
			return View{Flat: true}, err
		}
		return View{Flat: true, Shards: []Shard{{Members: members}}}, nil
	case len(raw) > 0 && raw[0] == '{':
		return parseShards(raw)
	}
	return View{}, errors.New(`"view" is neither a list of members nor an object of lists`)
}

// parseShards reads token by token, because a map would hide that a shard is named
// twice.
func parseShards(raw []byte) (View, error) {
	view := View{Shards: []Shard{}}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		return View{}, err
	}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return View{}, err
		}
		name := token.(string) // the decoder yields only strings as names
		var list json.RawMessage
		if err := dec.Decode(&list); err != nil {
			return View{}, err
		}
		members, err := parseMembers("view["+strconv.Quote(name)+"]", list)
		if err != nil {
			return View{}, err
		}
		view.Shards = append(view.Shards, Shard{Name: name, Members: members})
	}
	return view, nil
}

func parseMembers(where string, raw []byte) ([]Member, error) {
	var entries []json.RawMessage
	if err := json.Unmarshal(raw, &entries); err != nil || entries == nil {
		return nil, fmt.Errorf("%s is not a list of members", where)
	}
	members := make([]Member, 0, len(entries))
	for i, entry := range entries {
		m, err := parseMember(entry)
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", where, i, err)
		}
		members = append(members, m)
	}
	return members, nil
}

func parseMember(raw []byte) (m Member, err error) {
	var entry map[string]json.RawMessage
	if err := json.Unmarshal(raw, &entry); err != nil || entry == nil {
		return m, errors.New(`is not an object with "address" and "id"`)
	}
	if m.ID, err = parseID(entry["id"]); err != nil {
		return m, err
	}
	if m.Address, err = parseAddress("address", entry["address"]); err != nil {
		return m, err
	}
	if bus, given := entry["bus"]; given {
		m.Bus, err = parseAddress("bus", bus)
		return m, err
	}
	if port := portOf(m.Address); port+BusPortOffset > maxPort {
		return m, fmt.Errorf(`address %q leaves no port for the bus (port + %d); give "bus" too`, m.Address, BusPortOffset)
	}
	return m, nil
}

func parseID(raw json.RawMessage) (uint64, error) {
	switch {
	case raw == nil:
		return 0, errors.New(`has no "id"`)
	case raw[0] == '-':
		return 0, fmt.Errorf(`"id" is negative: %s`, raw)
	}
	id, err := strconv.ParseUint(string(raw), 10, 64)
	if err != nil {
		return 0, fmt.Errorf(`"id" is no whole number up to 2^64-1: %.40s`, raw)
	}
	return id, nil
}

func parseAddress(name string, raw json.RawMessage) (string, error) {
	var address string
	switch {
	case raw == nil:
		return "", fmt.Errorf("has no %q", name)
	case raw[0] != '"':
		return "", fmt.Errorf("%q is not a string", name)
	}
	if err := json.Unmarshal(raw, &address); err != nil {
		return "", fmt.Errorf("%q is not a string", name)
	}
	if err := CheckAddress(address); err != nil {
		return "", fmt.Errorf("%s %w", name, err)
	}
	return address, nil
}

const maxPort = 65535

// CheckAddress returns an error unless an address is a host:port that can be
// dialled: the host is a name, an IPv4 or a bracketed IPv6 address, and the port is
// 1 to 65535.
func CheckAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%.100q is not host:port", address)
	}
	if !validHost(host) {
		return fmt.Errorf("%.100q has no valid host", address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '0' {
		return fmt.Errorf("%.100q has no port between 1 and %d", address, maxPort)
	}
	return nil
}

// validHost accepts more than RFC 1123, because container names have underscores.
func validHost(host string) bool {
	if strings.Contains(host, ":") {
		ip, _, _ := strings.Cut(host, "%")
		return net.ParseIP(ip) != nil
	}
	if host == "" || len(host) > 253 {
		return false
	}
	for i := 0; i < len(host); i++ {
		if c := host[i]; !unreserved(c) || c == '~' {
			return false
		}
	}
	return true
}

// portOf is the port of an address that CheckAddress has accepted.
func portOf(address string) int {
	_, port, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(port)
	return n
}

// check checks the view as a whole.
func (v View) check() error {
	names := map[string]bool{}
	ids := map[uint64]bool{}
	addresses := map[string]uint64{}
	for _, s := range v.Shards {
		switch {
		case names[s.Name]:
			return fmt.Errorf("shard %q is there twice", s.Name)
		case len(s.Name) > MaxShardName:
			return fmt.Errorf("a shard's name has at most %d bytes: %.100q", MaxShardName, s.Name)
		}
		names[s.Name] = true
		for _, m := range s.Members {
			if ids[m.ID] {
				return fmt.Errorf("id %d is there twice", m.ID)
			}
			if other, taken := addresses[m.Address]; taken {
				return fmt.Errorf("address %q is given to %d and to %d", m.Address, other, m.ID)
			}
			ids[m.ID], addresses[m.Address] = true, m.ID
		}
	}
	if len(ids) > MaxMembers {
		return fmt.Errorf("a view has at most %d members, this one has %d", MaxMembers, len(ids))
	}
	return nil
}

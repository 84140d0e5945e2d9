package bus

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/node/ids"
)

// Subjects builds the subjects of one cluster:
//
//	cohort.<cluster>.node.<to>.<from>.<kind>                to a node
//	cohort.<cluster>.shard.<token>.<from>.<kind>            to the members of a shard
//	cohort.<cluster>.answer.<to>.<boot>.<from>.<request>    the answer to a request
//
// All traffic of a cluster is below one prefix, so that two clusters can share an outside NATS.
// Every subject names its sender, so that a server can allow each node its own subjects only.
type Subjects struct{ prefix string }

// NewSubjects checks the cluster's name, which becomes a token of every subject.
func NewSubjects(cluster string) (Subjects, error) {
	if err := CheckToken(cluster); err != nil {
		return Subjects{}, fmt.Errorf("cluster name: %w", err)
	}
	return Subjects{prefix: "cohort." + cluster + "."}, nil
}

// Node is the subject of messages of one kind from one node to another.
func (s Subjects) Node(to, from ids.Node, kind string) string {
	return s.prefix + "node." + decimal(to) + "." + decimal(from) + "." + kind
}

// ToNode matches all messages to a node.
func (s Subjects) ToNode(to ids.Node) string { return s.prefix + "node." + decimal(to) + ".*.*" }

// Shard is the subject of messages of one kind from a node to a shard's members.
func (s Subjects) Shard(token string, from ids.Node, kind string) string {
	return s.prefix + "shard." + token + "." + decimal(from) + "." + kind
}

// ToShard matches all messages to the members of a shard.
func (s Subjects) ToShard(token string) string { return s.prefix + "shard." + token + ".*.*" }

// Rights are the subjects that a connection to a node's own server may use. The node at the
// other end needs no others.
type Rights struct{ Publish, Subscribe []string }

// Caller are the rights of another node at the server of node at.
func (s Subjects) Caller(at, caller ids.Node) Rights {
	return Rights{
		Publish:   []string{s.Node(at, caller, "*"), s.Shard("*", caller, "*")},
		Subscribe: []string{s.prefix + "answer." + decimal(caller) + ".*.*.*"},
	}
}

// Owner are the rights of a node at its own server.
func (s Subjects) Owner(id ids.Node) Rights {
	return Rights{
		Publish:   []string{s.prefix + "answer.*.*." + decimal(id) + ".*"},
		Subscribe: []string{s.ToNode(id), s.ToShard("*")},
	}
}

// Sender is the node that a subject names as the sender of its message.
func (s Subjects) Sender(subject string) (from ids.Node, ok bool) {
	rest, ok := strings.CutPrefix(subject, s.prefix)
	if !ok {
		return 0, false
	}
	i := strings.LastIndexByte(rest, '.')
	if i < 0 {
		return 0, false
	}
	rest = rest[:i]
	n, err := strconv.ParseUint(rest[strings.LastIndexByte(rest, '.')+1:], 10, 64)
	return ids.Node(n), err == nil
}

// ParseAnswer returns the node that asked and the node that is to answer, of a subject for
// answers. For any other subject, ok is false, and no message may be published to it.
func (s Subjects) ParseAnswer(to ids.ReplyTo) (asker, answerer ids.Node, ok bool) {
	rest, ok := strings.CutPrefix(string(to), s.prefix)
	if !ok {
		return 0, 0, false
	}
	if rest, ok = strings.CutPrefix(rest, "answer."); !ok {
		return 0, 0, false
	}
	first, rest, _ := strings.Cut(rest, ".")
	boot, rest, _ := strings.Cut(rest, ".")
	second, request, _ := strings.Cut(rest, ".")
	a, errA := strconv.ParseUint(first, 10, 64)
	b, errB := strconv.ParseUint(second, 10, 64)
	if errA != nil || errB != nil || CheckToken(boot) != nil || CheckToken(request) != nil {
		return 0, 0, false
	}
	return ids.Node(a), ids.Node(b), true
}

// Answers are the subjects on which one boot of a node takes answers. They contain the boot
// number, so answers to requests of an earlier boot do not arrive.
type Answers struct{ prefix string }

// Answers returns the subjects for answers to this boot of a node.
func (s Subjects) Answers(id ids.Node, boot ids.Boot) Answers {
	return Answers{prefix: s.prefix + "answer." + decimal(id) + "." + strconv.FormatUint(uint64(boot), 36) + "."}
}

// All matches the answers to every request.
func (a Answers) All() string { return a.prefix + "*.*" }

// Of matches the answers of one node.
func (a Answers) Of(from ids.Node) string { return a.prefix + decimal(from) + ".*" }

// To is the subject of a node's answer to one request.
func (a Answers) To(request uint64, from ids.Node) string {
	b := make([]byte, 0, 96)
	b = append(b, a.prefix...)
	b = strconv.AppendUint(b, uint64(from), 10)
	b = append(b, '.')
	return string(strconv.AppendUint(b, request, 10))
}

// Request is the number of the request that a message on this subject answers. For any other
// subject, ok is false.
func (a Answers) Request(subject string) (request uint64, ok bool) {
	rest, ok := strings.CutPrefix(subject, a.prefix)
	if !ok {
		return 0, false
	}
	_, digits, ok := strings.Cut(rest, ".")
	if !ok {
		return 0, false
	}
	request, err := strconv.ParseUint(digits, 10, 64)
	return request, err == nil && request != 0
}

func decimal(id ids.Node) string { return strconv.FormatUint(uint64(id), 10) }

// CheckToken returns an error if a string cannot be one token of a subject. Cluster names,
// shard tokens and kinds consist of letters, digits, _ and -.
func CheckToken(s string) error {
	if s == "" {
		return errors.New("empty; letters, digits, _ and - are allowed")
	}
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return fmt.Errorf("%q: letters, digits, _ and - are allowed", s)
		}
	}
	return nil
}

func isTokenByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

package bus

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/node/wire"
)

// Subjects builds the subjects of one cluster:
//
//	cohort.<cluster>.node.<id>.<kind>              to a node
//	cohort.<cluster>.shard.<token>.<kind>          to the members of a shard
//	cohort.<cluster>.answer.<id>.<boot>.<request>  the answer to a request
//
// All of a cluster's traffic is below one prefix, so that one permission covers
// it, and two clusters can share an outside NATS without meeting.
type Subjects struct{ prefix string }

// NewSubjects checks the cluster's name, which becomes a token of every subject.
func NewSubjects(cluster string) (Subjects, error) {
	if err := CheckToken(cluster); err != nil {
		return Subjects{}, fmt.Errorf("cluster name: %w", err)
	}
	return Subjects{prefix: "cohort." + cluster + "."}, nil
}

// All matches every subject of the cluster.
func (s Subjects) All() string { return s.prefix + ">" }

// Node is the subject of messages of one kind to a node; kind "*" subscribes to
// all of them.
func (s Subjects) Node(id wire.NodeID, kind string) string {
	return s.prefix + "node." + strconv.FormatUint(uint64(id), 10) + "." + kind
}

// Shard is the subject of messages of one kind to the members of a shard; kind
// "*" subscribes to all of them.
func (s Subjects) Shard(token, kind string) string {
	return s.prefix + "shard." + token + "." + kind
}

// IsAnswer reports whether a handle that came with a message is a subject on
// which this cluster expects answers. Anything else is a stranger's invention
// and must not be published to.
func (s Subjects) IsAnswer(to wire.ReplyTo) bool {
	rest, ok := strings.CutPrefix(string(to), s.prefix)
	if !ok {
		return false
	}
	rest, ok = strings.CutPrefix(rest, "answer.")
	if !ok {
		return false
	}
	for i := range len(rest) {
		if c := rest[i]; c != '.' && !isTokenByte(c) {
			return false
		}
	}
	return true
}

// Answers is where one life of a node takes answers. Its boot number keeps the
// answers to an earlier life's requests away.
type Answers struct{ prefix string }

// Answers names the place where the node's life with this boot number takes them.
func (s Subjects) Answers(id wire.NodeID, boot wire.Boot) Answers {
	return Answers{prefix: s.prefix + "answer." + strconv.FormatUint(uint64(id), 10) + "." +
		strconv.FormatUint(uint64(boot), 36) + "."}
}

// All matches the answers to every request.
func (a Answers) All() string { return a.prefix + "*" }

// To is where the answer to one request goes.
func (a Answers) To(request uint64) string {
	b := make([]byte, 0, 80)
	b = append(b, a.prefix...)
	return string(strconv.AppendUint(b, request, 10))
}

// Request is the number of the request that a message on this subject answers;
// ok is false for every other subject.
func (a Answers) Request(subject string) (request uint64, ok bool) {
	digits, ok := strings.CutPrefix(subject, a.prefix)
	if !ok {
		return 0, false
	}
	request, err := strconv.ParseUint(digits, 10, 64)
	return request, err == nil && request != 0
}

// CheckToken reports why a string cannot be one token of a subject: cluster
// names, shard tokens and kinds are made of letters, digits, _ and -.
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

package conntest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cohortkv/cohort/bus"
)

// orderPerSender mixes kinds and a shard: order holds across all of them.
func orderPerSender(t *testing.T, b *Bus) {
	const each = 2000
	receiver, one, two := join(t, b, 1), join(t, b, 2), join(t, b, 3)
	box := listen(t, receiver, "s")
	senders := []Node{one, two}
	for _, n := range senders {
		introduce(t, n, map[*mailbox]bus.Peer{box: receiver.Peer})
		box.await(t, "shard subscription", func() bool { return box.has(fmt.Sprintf("shard from %d", n.ID)) }, func() {
			_ = n.Conn.Send(bus.Envelope{Shard: "s", Kind: "hello", Payload: fmt.Appendf(nil, "shard from %d", n.ID)})
		})
	}
	var want []string
	for i := range each {
		for _, n := range senders {
			payload := fmt.Sprintf("%d:%06d", n.ID, i)
			want = append(want, payload)
			e := bus.Envelope{To: receiver.ID, Kind: fmt.Sprintf("kind%d", i%3), Payload: []byte(payload)}
			if i%4 == 0 {
				e.To, e.Shard = 0, "s"
			}
			if err := n.Conn.Send(e); err != nil {
				t.Fatalf("message %d of node %d: %v", i, n.ID, err)
			}
		}
	}
	got := func() []string {
		return slices.DeleteFunc(box.payloads(), func(p string) bool { return strings.Contains(p, "from") })
	}
	box.await(t, "all messages", func() bool { return len(got()) >= len(want) }, nil)
	for _, n := range senders {
		of := func(all []string) []string {
			return slices.DeleteFunc(slices.Clone(all), func(p string) bool { return !strings.HasPrefix(p, fmt.Sprint(n.ID, ":")) })
		}
		if !slices.Equal(of(got()), of(want)) {
			t.Errorf("node %d: %d messages, not those that were sent, in their order", n.ID, len(of(got())))
		}
	}
}

func requestIsAnswered(t *testing.T, b *Bus) {
	asker, answerer := join(t, b, 1), join(t, b, 2)
	answers := listen(t, asker)
	if err := answerer.Conn.Listen(Echo(answerer.Conn)); err != nil {
		t.Fatal(err)
	}
	// The answering node has no list of peers; the answer uses the path of the request.
	asker.Conn.Reach([]bus.Peer{answerer.Peer})
	ask(t, asker, answers, answerer.Peer, 1)
	for request := uint64(2); request < 200; request++ {
		err := asker.Conn.Send(bus.Envelope{To: answerer.ID, Kind: "ask", Request: request, Payload: fmt.Appendf(nil, "question %d", request)})
		if err != nil {
			t.Fatal(err)
		}
	}
	answers.await(t, "all answers", func() bool { return answers.has("question 199") }, nil)
	for _, m := range answers.messages() {
		if m.ReplyTo != "" || m.Refused && m.Request != 1 || !m.Refused && string(m.Payload) != fmt.Sprintf("question %d", m.Request) {
			t.Errorf("answer %+v", m)
		}
	}
}

// ask sends a request until it is answered.
func ask(t *testing.T, asker Node, answers *mailbox, of bus.Peer, request uint64) {
	t.Helper()
	question := fmt.Sprintf("question %d", request)
	answers.await(t, fmt.Sprintf("answer of %d to request %d", of.ID, request),
		func() bool { return answers.has(question) },
		func() {
			_ = asker.Conn.Send(bus.Envelope{To: of.ID, Kind: "ask", Request: request, Payload: []byte(question)})
		})
}

func requestIsRefused(t *testing.T, b *Bus) {
	asker, deaf := join(t, b, 1), join(t, b, 2)
	answers := listen(t, asker)
	asker.Conn.Reach([]bus.Peer{deaf.Peer})
	answers.await(t, "refusal", func() bool { return len(answers.messages()) > 0 }, func() {
		_ = asker.Conn.Send(bus.Envelope{To: deaf.ID, Kind: "ask", Request: 7, Payload: []byte("anybody?")})
	})
	if m := answers.messages()[0]; !m.Refused || m.Request != 7 || m.ReplyTo != "" || len(m.Payload) != 0 {
		t.Errorf("refusal %+v", m)
	}
}

func nodeReachesItself(t *testing.T, b *Bus) {
	n := join(t, b, 1)
	box := newMailbox()
	err := n.Conn.Listen(func(m bus.Message) {
		box.take(m)
		Echo(n.Conn)(m)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Conn.Send(bus.Envelope{To: n.ID, Kind: "note", Payload: []byte("to myself")}); err != nil {
		t.Fatal(err)
	}
	if err := n.Conn.Send(bus.Envelope{To: n.ID, Kind: "ask", Request: 3, Payload: []byte("who am I")}); err != nil {
		t.Fatal(err)
	}
	box.await(t, "own messages", func() bool { return len(box.messages()) >= 3 }, nil)
	if m := box.messages()[2]; m.Request != 3 || string(m.Payload) != "who am I" || m.ReplyTo != "" {
		t.Errorf("answer to the own request: %+v", m)
	}
}

func broadcastReachesListeners(t *testing.T, b *Bus) {
	sender, in1, in2, out := join(t, b, 1), join(t, b, 2), join(t, b, 3), join(t, b, 4)
	own := listen(t, sender, "s1")
	boxes := map[*mailbox]bus.Peer{listen(t, in1, "s1"): in1.Peer, listen(t, in2, "s2", "s1"): in2.Peer}
	outside := listen(t, out, "s2")
	all := map[*mailbox]bus.Peer{outside: out.Peer}
	for box, peer := range boxes {
		all[box] = peer
	}
	introduce(t, sender, all)
	for box := range boxes {
		box.await(t, "broadcast", func() bool { return box.has("to s1") }, func() {
			_ = sender.Conn.Send(bus.Envelope{Shard: "s1", Kind: "news", Payload: []byte("to s1")})
		})
	}
	// Messages that a broadcast may have left behind arrive before these.
	outside.await(t, "broadcast to the others", func() bool { return outside.has("to s2") }, func() {
		_ = sender.Conn.Send(bus.Envelope{Shard: "s2", Kind: "news", Payload: []byte("to s2")})
	})
	own.await(t, "message to itself", func() bool { return own.has("end") }, func() {
		_ = sender.Conn.Send(bus.Envelope{To: sender.ID, Kind: "note", Payload: []byte("end")})
	})
	if outside.has("to s1") {
		t.Error("a broadcast reached a node that does not listen to its shard")
	}
	if own.has("to s1") {
		t.Error("a broadcast came back to its sender")
	}
}

func listeningAgainReplaces(t *testing.T, b *Bus) {
	sender, receiver := join(t, b, 1), join(t, b, 2)
	before := listen(t, receiver, "old", "kept")
	introduce(t, sender, map[*mailbox]bus.Peer{before: receiver.Peer})
	after := listen(t, receiver, "kept", "new")
	send := func() {
		for _, shard := range []string{"old", "kept", "new"} {
			_ = sender.Conn.Send(bus.Envelope{Shard: shard, Kind: "news", Payload: []byte("to " + shard)})
		}
	}
	after.await(t, "broadcasts after the change", func() bool { return after.has("to kept") && after.has("to new") }, send)
	seen := len(after.messages())
	after.await(t, "more broadcasts", func() bool { return slices.Contains(after.payloads()[seen:], "to new") }, send)
	if slices.Contains(after.payloads()[seen:], "to old") {
		t.Error("a shard that is listened to no more still arrives")
	}
	if before.has("to new") {
		t.Error("the handler that was replaced got a message")
	}
}

func badEnvelopes(t *testing.T, b *Bus) {
	n := join(t, b, 1)
	listen(t, n)
	for name, e := range map[string]bus.Envelope{
		"kind missing":            {To: 1},
		"kind of two tokens":      {To: 1, Kind: "a.b"},
		"kind with a wildcard":    {To: 1, Kind: "*"},
		"shard with a space":      {Shard: "a b", Kind: "k"},
		"request to a shard":      {Shard: "a", Kind: "k", Request: 1},
		"answer and shard":        {Answer: "x", Shard: "a", Kind: "k"},
		"answer to a stranger":    {Answer: "somewhere", Kind: "k"},
		"answer that is injected": {Answer: "cohort.test.answer.1\r\nPING", Kind: "k"},
	} {
		if err := n.Conn.Send(e); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := n.Conn.Listen(func(bus.Message) {}, "a.b"); err == nil {
		t.Error("shard token of two tokens: no error")
	}
	if err := n.Conn.Send(bus.Envelope{To: 99, Kind: "k"}); b.Addressed && !errors.Is(err, bus.ErrUnreachable) {
		t.Errorf("node that is not a peer: %v", err)
	}
}

func largePayloads(t *testing.T, b *Bus) {
	sender, receiver := join(t, b, 1), join(t, b, 2)
	box := listen(t, receiver)
	introduce(t, sender, map[*mailbox]bus.Peer{box: receiver.Peer})
	began, sent := time.Now(), [][]byte{}
	for i := range 8 {
		payload := bytes.Repeat([]byte{byte('a' + i)}, 900<<10)
		if i == 7 {
			payload = bytes.Repeat([]byte{'z'}, bus.MaxPayload)
		}
		sent = append(sent, bytes.Clone(payload))
		arrived := len(box.messages()) + 1
		if err := sender.Conn.Send(bus.Envelope{To: receiver.ID, Kind: "big", Payload: payload}); err != nil {
			t.Fatalf("payload of %d bytes: %v", len(payload), err)
		}
		clear(payload) // Send has copied it
		box.await(t, "large payload", func() bool { return len(box.messages()) >= arrived }, nil)
	}
	t.Logf("%d payloads of 900 KiB and more took %v", len(sent), time.Since(began))
	got := box.messages()[len(box.messages())-len(sent):]
	for i := range sent {
		if !bytes.Equal(got[i].Payload, sent[i]) {
			t.Errorf("payload %d changed on the way", i)
		}
	}
	err := sender.Conn.Send(bus.Envelope{To: receiver.ID, Kind: "big", Payload: make([]byte, bus.MaxPayload+1)})
	if !errors.Is(err, bus.ErrTooLarge) {
		t.Errorf("payload that is too large: error %v", err)
	}
}

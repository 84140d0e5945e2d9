package natsbus

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
)

// tcpPair is both ends of a TCP connection.
func tcpPair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	far, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	return near, far
}

// numbered is n bytes in which neighbours differ.
func numbered(n, from int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte((from + i) % 251)
	}
	return p
}

func TestWritingToAPeerThatDoesNotReadNeverBlocks(t *testing.T) {
	for _, direct := range []bool{true, false} {
		near, far := tcpPair(t)
		o := newOutbox(near)
		if !direct {
			o.raw = nil // as on systems without writes that do not wait
		}
		written := 0
		for !o.full() {
			p := numbered(100_000, written)
			n, err := o.Write(p)
			if err != nil || n != len(p) {
				t.Fatalf("write: %d, %v", n, err)
			}
			written += n
		}
		got := make([]byte, written)
		if _, err := io.ReadFull(far, got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, numbered(written, 0)) {
			t.Error("bytes were lost or came in another order")
		}
		o.wait()
		if o.full() || o.waiting.Load() != 0 {
			t.Errorf("%d bytes wait after all were read", o.waiting.Load())
		}
		t.Logf("directly %v: %d bytes fitted", direct, written)
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestClosingSendsTheWaitingBytes(t *testing.T) {
	near, far := tcpPair(t)
	o := newOutbox(near)
	o.raw = nil
	p := numbered(1<<20, 0)
	if _, err := o.Write(p); err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(far)
	if err != nil || !bytes.Equal(got, p) {
		t.Errorf("%d of %d bytes, %v", len(got), len(p), err)
	}
	if _, err := o.Write(p); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after Close: %v", err)
	}
}

func TestClosingDoesNotWaitForAPeerThatDoesNotRead(t *testing.T) {
	near, _ := tcpPair(t)
	o := newOutbox(near)
	for !o.full() {
		if _, err := o.Write(make([]byte, 100_000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o.wait()
	if _, err := near.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the socket is still open: %v", err)
	}
}

func TestAWriteThatFailsBreaksTheConnection(t *testing.T) {
	near, far := tcpPair(t)
	o := newOutbox(near)
	for !o.full() {
		if _, err := o.Write(make([]byte, 100_000)); err != nil {
			t.Fatal(err)
		}
	}
	far.Close()
	o.wait()
	if _, err := o.Write([]byte("x")); err == nil {
		t.Error("write to a connection whose other end is gone: no error")
	}
}

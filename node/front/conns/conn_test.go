package conns

import (
	"net"
	"testing"
	"time"
)

// deadlines is a connection that notes when its writes must have ended.
type deadlines struct {
	net.Conn
	last time.Time
}

func (d *deadlines) SetWriteDeadline(t time.Time) error { d.last = t; return nil }
func (d *deadlines) Write(b []byte) (int, error)        { return len(b), nil }

func TestAnAnswerHasATimeForAllOfIt(t *testing.T) {
	d := &deadlines{}
	c := &Conn{Conn: d}
	begin := time.Now()
	piece := make([]byte, 1<<10)
	for range 1000 {
		if _, err := c.Write(piece); err != nil {
			t.Fatal(err)
		}
		c.began = c.began.Add(-30 * time.Millisecond) // as if each write took 30 ms
	}
	if most := begin.Add(WriteTimeout); d.last.After(most) {
		t.Errorf("after 1000 slow pieces the next may take until %v after the first", d.last.Sub(begin))
	}
	if _, err := c.Write(make([]byte, 10*SlowestReader)); err != nil {
		t.Fatal(err)
	}
	if left := time.Until(d.last); left < 9*time.Second {
		t.Errorf("a large piece has %v", left)
	}
}

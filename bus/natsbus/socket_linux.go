package natsbus

import (
	"errors"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// canAttempt reports that writeNow works on this system.
const canAttempt = true

// writeNow writes as many bytes as the socket takes without waiting. Sockets of Go do not block,
// so this is one system call.
func writeNow(fd uintptr, p []byte) (int, error) {
	written := 0
	for written < len(p) {
		n, err := unix.Write(int(fd), p[written:])
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return written, nil
		case err != nil:
			return written, err
		default:
			written += n
		}
	}
	return written, nil
}

// giveUpAfter breaks the connection when sent data stays unacknowledged for so long
// (TCP_USER_TIMEOUT). Otherwise a connection over a cut cable would stay open. After the repair
// it would wait for the next retransmission, which comes later and later.
func giveUpAfter(conn *net.TCPConn, d time.Duration) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var optErr error
	err = raw.Control(func(fd uintptr) {
		optErr = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
	})
	return errors.Join(err, optErr)
}

package natsbus

import (
	"errors"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// canAttempt says that writeNow works here.
const canAttempt = true

// writeNow writes what the socket takes without waiting. Go's sockets do not
// block, so that is one system call.
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

// giveUpAfter breaks the connection when the other end has acknowledged nothing
// for so long. Without it a flow over a cut cable lingers, and after the repair
// waits for its next, ever later retransmission.
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

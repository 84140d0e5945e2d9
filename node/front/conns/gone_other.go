//go:build !linux

package conns

import "syscall"

// hungUp reports whether nothing more will arrive on a socket, or the socket is
// broken. If bytes that arrived were not read, it can only report a broken socket.
func hungUp(fd uintptr) bool {
	var one [1]byte
	n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK)
	if err == syscall.EAGAIN || err == syscall.EINTR {
		return false
	}
	return err != nil || n == 0
}

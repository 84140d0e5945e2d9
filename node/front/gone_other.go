//go:build !linux

package front

import "syscall"

// hungUp reports that nothing more will come over a socket, or that it is broken: where
// something has come that was not read, only when it is.
func hungUp(fd uintptr) bool {
	var one [1]byte
	n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK)
	if err == syscall.EAGAIN || err == syscall.EINTR {
		return false
	}
	return err != nil || n == 0
}

package conns

import "golang.org/x/sys/unix"

// hungUp reports whether nothing more will arrive on a socket, or the socket is
// broken. Unlike a peek, it works even if bytes that arrived earlier were not read.
func hungUp(fd uintptr) bool {
	ask := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	n, err := unix.Poll(ask[:], 0)
	return err == nil && n > 0 && ask[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0
}

package front

import "golang.org/x/sys/unix"

// hungUp reports that nothing more will come over a socket, or that it is broken. What
// has come and was not read does not hide it, as it would from a peek.
func hungUp(fd uintptr) bool {
	ask := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	n, err := unix.Poll(ask[:], 0)
	return err == nil && n > 0 && ask[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0
}

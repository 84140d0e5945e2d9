package cluster

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// caller returns the node that dialled a connection which a proxy has accepted. The kernel
// knows the process of a socket, so the proxy need not read or wait for any byte before it
// applies a cut.
func (c *Cluster) caller(near net.Conn) (int, error) {
	inode, err := otherEnd(near)
	if err != nil {
		return 0, err
	}
	for i := range c.nodes {
		if p := c.Process(i); p != nil && p.Alive() && p.holds(inode) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("proxy: socket %d belongs to no node", inode)
}

// sockets is the file in which Linux lists TCP connections over IPv4 (proc_net_tcp(5)).
const sockets = "/proc/net/tcp"

// otherEnd returns the inode of the socket at the other end of a connection within this
// machine.
func otherEnd(near net.Conn) (uint64, error) {
	local, remote := near.LocalAddr().(*net.TCPAddr), near.RemoteAddr().(*net.TCPAddr)
	list, err := os.Open(sockets)
	if err != nil {
		return 0, fmt.Errorf("proxy: %w", err)
	}
	defer list.Close()
	ends := kernelAddress(remote) + " " + kernelAddress(local) + " " // as the other end names itself and its peer
	for lines := bufio.NewScanner(list); lines.Scan(); {
		if !strings.Contains(lines.Text(), ends) {
			continue
		}
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 {
			return 0, fmt.Errorf("proxy: %s says %q", sockets, lines.Text())
		}
		if inode, err := strconv.ParseUint(fields[9], 10, 64); err == nil && inode != 0 {
			return inode, nil
		}
	}
	return 0, errors.New("proxy: the other end has gone")
}

// kernelAddress is an address in the form of sockets: the bytes of the network as a number
// of this machine.
func kernelAddress(a *net.TCPAddr) string {
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(a.IP.To4()), a.Port)
}

// holds reports whether the process has the socket open.
func (p *Process) holds(inode uint64) bool {
	dir := filepath.Join("/proc", strconv.Itoa(p.Pid()), "fd")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false // the process has ended
	}
	want := fmt.Sprintf("socket:[%d]", inode)
	for _, entry := range entries {
		if link, err := os.Readlink(filepath.Join(dir, entry.Name())); err == nil && link == want {
			return true
		}
	}
	return false
}

package process

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/cohortkv/cohort/api"
)

// These variables tell a test that it runs in a network namespace of its own, and give it
// the path of the binary. settings removes variables that begin with COHORT_, so these do
// not.
const (
	inNamespace    = "PROCESS_TEST_NAMESPACE"
	builtForParent = "PROCESS_TEST_BINARY"
)

// inOwnNetwork runs the calling test again, in a child process with a network that has only
// the loopback interface. It reports whether this process is the child. The kernel kills
// the child when the parent dies, and the child's nodes when the child dies. It removes the
// namespace with its last process, so no cleanup is needed.
func inOwnNetwork(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inNamespace) == t.Name() {
		return true
	}
	if _, err := exec.LookPath("ip"); err != nil {
		skipLoudly(t, err)
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.timeout=1m", "-test.run=^"+regexp.QuoteMeta(t.Name())+"$")
	child.Env = append(os.Environ(), inNamespace+"="+t.Name(), builtForParent+"="+path)
	child.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET, // a user namespace needs no privileges
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	runtime.LockOSThread() // the parent-death signal follows the end of this thread
	defer runtime.UnlockOSThread()
	child.Stderr = os.Stderr
	said, err := child.Output()
	if child.Process == nil {
		skipLoudly(t, fmt.Errorf("this machine does not make a network namespace: %w", err))
	}
	if err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	return false
}

// skipLoudly reports a skipped test also where the output of the test is not shown.
func skipLoudly(t *testing.T, why error) {
	t.Helper()
	fmt.Fprintf(os.Stderr, "SKIPPED %s: %v\n", t.Name(), why)
	t.Skip(why)
}

// ip runs the ip command.
func ip(t *testing.T, args string) {
	t.Helper()
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v\n%s", args, err, out)
	}
}

// TestAMemberWithoutARouteIsNamedInTheAnswer puts a view whose members are unreachable for
// different reasons.
func TestAMemberWithoutARouteIsNamedInTheAnswer(t *testing.T) {
	if !inOwnNetwork(t) {
		return
	}
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		skipLoudly(t, fmt.Errorf("the network namespace may not be changed: %w: %s", err, out))
	}
	ip(t, "route add unreachable 198.51.100.0/24")
	ip(t, "route add blackhole 203.0.113.0/24")
	ip(t, "route add prohibit 198.18.0.0/16")
	ip(t, "route add 198.19.0.0/16 dev lo") // packets go to the loopback interface, where no process accepts them
	n := startMore(t, 1, false)
	view := n.View(0)
	members := &view.Shards[0].Members
	reasons := []struct{ address, why, detail string }{
		{"192.0.2.1:8081", "no route", "network is unreachable"}, // no route at all
		{"198.51.100.1:8081", "no route", "no route to host"},
		{"203.0.113.1:8081", "no route", "invalid argument"},
		{"198.18.0.1:8081", "no route", "permission denied"},
		{"224.0.0.1:8081", "no route", "network is unreachable"}, // a multicast group, not a host
		{"198.19.0.1:8081", "no answer", "timeout"},
	}
	for i, r := range reasons {
		*members = append(*members, api.Member{ID: uint64(i + 1), Address: r.address})
	}
	for range 2 {
		answer, err := n.Client(0).PutView(t.Context(), api.ViewRequest{View: view})
		n.must(err)
		if answer.Ready || !strings.Contains(answer.Reason, "node 1 at 192.0.2.1:8081 was not reached: no route: ") {
			t.Errorf("ready %t, %q", answer.Ready, answer.Reason)
		}
		for i, r := range reasons {
			m := memberOf(answer, uint64(i+1))
			if m.State != api.MemberUnreached || !strings.HasPrefix(m.Reason, r.why+": ") || !strings.Contains(m.Reason, r.detail) {
				t.Errorf("%s: %+v", r.address, m)
			}
		}
	}
	log, err := os.ReadFile(n.LogFile(0))
	n.must(err)
	for i, r := range reasons {
		for _, line := range []string{"msg=member_unheard", `msg="peer not reached"`} {
			said := regexp.MustCompile(`(?m)^.* `+line+` .*\bpeer=`+fmt.Sprint(i+1)+` .*\bwhy="`+r.why+`.*$`).FindAllString(string(log), -1)
			if len(said) != 1 {
				t.Errorf("%s: %s %d times, want once a minute and peer:\n%s", r.address, line, len(said), strings.Join(said, "\n"))
			}
		}
	}
}

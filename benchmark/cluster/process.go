package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is one child process whose output goes to a file. If its parent dies, by any
// cause, the kernel kills it.
type Process struct {
	Name   string // for errors
	log    string // path of the output
	cmd    *exec.Cmd
	exited chan struct{} // closed after the process ended and was waited for
}

// Launch starts binary with args. The output is appended to the file log.
func Launch(name, log, binary string, args ...string) (*Process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("launch %s: %w", name, err)
	}
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	p := &Process{Name: name, log: log, cmd: cmd, exited: make(chan struct{})}
	started := make(chan error, 1)
	go p.wait(out, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("launch %s: %w", name, err)
	}
	return p, nil
}

// wait owns the process from start to end, on an OS thread of its own: the kernel sends the
// parent-death signal when the thread that forked ends.
func (p *Process) wait(out *os.File, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.exited)
	defer out.Close()
	err := p.cmd.Start()
	started <- err
	if err == nil {
		_ = p.cmd.Wait() // ProcessState has the cause of the end; being killed is not an error here
	}
}

// lastOutput returns the end of the process's output.
func (p *Process) lastOutput() string {
	said, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(said[max(0, len(said)-quoted):])
}

// quoted bounds the bytes of a log that an error quotes.
const quoted = 2000

// Pid is the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Alive reports whether the process has not ended yet. A stopped process is alive.
func (p *Process) Alive() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// Kill ends the process with SIGKILL, if it still runs, and waits for its end.
func (p *Process) Kill() error { return p.end(syscall.SIGKILL) }

// Terminate asks the process to end with SIGTERM and waits for its end.
func (p *Process) Terminate() error { return p.end(syscall.SIGTERM) }

func (p *Process) end(sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end %s: %w", p.Name, err)
	}
	<-p.exited
	return nil
}

// Pause stops the process (SIGSTOP) and returns when none of its threads runs. The signal
// alone only requests the stop. If the process ends first, Pause fails.
func (p *Process) Pause() error {
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	// The kernel tells a parent that its child stopped when the last thread has stopped.
	// WNOWAIT leaves an exit for wait to collect.
	var info unix.Siginfo
	for {
		err := unix.Waitid(unix.P_PID, p.Pid(), &info, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.ECHILD || err == nil && info.Code != cldStopped:
			return fmt.Errorf("pause %s: it has ended", p.Name)
		case err != nil:
			return fmt.Errorf("pause %s: %w", p.Name, err)
		}
		return nil
	}
}

// cldStopped is the kernel's CLD_STOPPED, which package unix does not define.
const cldStopped = 5

// Resume lets the process go on (SIGCONT).
func (p *Process) Resume() error { return p.signal(syscall.SIGCONT) }

func (p *Process) signal(sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("%v to %s: %w", sig, p.Name, err)
	}
	return nil
}

// tick is the unit of CPU times in /proc: USER_HZ is 100 on every Linux that Go
// supports.
const tick = 10 * time.Millisecond

// CPU is the processor time that the process has used, user and system, in steps
// of ten milliseconds.
func (p *Process) CPU() (time.Duration, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(p.Pid()) + "/stat")
	if errors.Is(err, os.ErrNotExist) || !p.Alive() {
		<-p.exited // it has been waited for, or will be in a moment
		state := p.cmd.ProcessState
		return state.UserTime() + state.SystemTime(), nil
	}
	if err != nil {
		return 0, fmt.Errorf("cpu time of %s: %w", p.Name, err)
	}
	// The name of the command, in parentheses, may contain any character; the fields after
	// it do not.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("cpu time of %s: /proc says %q", p.Name, stat)
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick, errors.Join(err1, err2)
}

package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/api"
)

// demoAnswers are the expected answers of the printed commands.
var demoAnswers = []string{
	`^{"result":"created"}$`,
	`^HTTP/1.1 200 OK(?s:.*)Msg-Num: 2(?s:.*){"value":"world"}$`,
	`^HTTP/1.1 200 OK(?s:.*)ETag: "1-(?s:.*)world$`,
	`^HTTP/1.1 412 Precondition Failed`,
	`^{"hello":"world"}\s*$`,
	`"primary":0`,
	`^{"result":"deleted"}$`,

	`^node 2 is cut off`,
	`^HTTP/1.1 504 Gateway Timeout`,
	`^HTTP/1.1 503 Service Unavailable`,
	`^HTTP/1.1 201 Created(?s:.*)Cohort-Session: `,
	`^HTTP/1.1 201 Created`,
	`^here$`,
	`^there$`,
	`^HTTP/1.1 503 Service Unavailable(?s:.*)session-not-visible`,
	`^all nodes reach`,
	`^here$`,
	`^HTTP/1.1 20`,
}

func TestTheDemoTakesOtherPortsWhenAUsualOneIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", loopback(usualPort+api.BusPortOffset+1))
	if err == nil { // otherwise another process has the port
		defer taken.Close()
	}
	if first := (demoCmd{Nodes: 3}).firstPort(); first != 0 {
		t.Errorf("the demo would begin at port %d", first)
	}
	asked := 7000
	if first := (demoCmd{Nodes: 3, Port: &asked}).firstPort(); first != asked {
		t.Errorf("the demo would begin at port %d, not at the one that it was given", first)
	}
}

// TestThePrintedDemoCommandsWork runs the curl commands that the demo prints.
func TestThePrintedDemoCommandsWork(t *testing.T) {
	clearEnvironment(t)
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skipf("the lines to paste are for curl: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	reader, writer := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		var complaint strings.Builder
		ended <- run(ctx, []string{"demo", "--port", "0"}, terminal{nil, writer, &complaint}, nil)
		writer.CloseWithError(io.ErrUnexpectedEOF)
		for line := range strings.Lines(complaint.String()) {
			if !strings.Contains(line, "msg=strong_waits") { // one of the commands cuts the network
				t.Errorf("the demo complains: %s", line)
			}
		}
	}()

	folder := t.TempDir()
	var answers []string
	lines := bufio.NewScanner(reader)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Ctrl-C") {
		if line := strings.TrimSpace(lines.Text()); strings.HasPrefix(line, "curl") {
			command := exec.CommandContext(t.Context(), "sh", "-c", line+" --silent")
			command.Dir = folder
			answer, err := command.Output()
			if err != nil {
				t.Errorf("%s: %v", line, err)
			}
			answers = append(answers, string(answer))
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("the demo ended: %v", err)
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	stop()
	if status := <-ended; status != 0 {
		t.Errorf("the demo ended with status %d", status)
	}

	if len(answers) != len(demoAnswers) {
		t.Fatalf("%d lines to paste, want %d: %q", len(answers), len(demoAnswers), answers)
	}
	for i := range demoAnswers {
		if !regexp.MustCompile(demoAnswers[i]).MatchString(answers[i]) {
			t.Errorf("line %d: got %q, want %s", i, answers[i], demoAnswers[i])
		}
	}
}

// TestTheREADMEShowsLinesOfTheDemo: TestThePrintedDemoCommandsWork then also runs the
// commands of the README.
func TestTheREADMEShowsLinesOfTheDemo(t *testing.T) {
	var members []*member
	for id := range 3 {
		members = append(members, &member{http: loopback(usualPort + id)})
	}
	var printed strings.Builder
	if err := introduce(&printed, members, loopback(usualPort+len(members))); err != nil {
		t.Fatal(err)
	}
	var demo []string
	for line := range strings.Lines(printed.String()) {
		demo = append(demo, strings.TrimSpace(line))
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for line := range strings.Lines(string(readme)) {
		if !strings.HasPrefix(line, "curl ") {
			continue
		}
		shown++
		command, _, _ := strings.Cut(line, "  #")
		if command = strings.TrimSpace(command); !slices.Contains(demo, command) {
			t.Errorf("README.md shows %q, which the demo does not print", command)
		}
	}
	if shown == 0 {
		t.Error("README.md shows no line to paste")
	}
}

package containers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/cohortkv/cohort/client"
)

const (
	root = "../.."

	// patience bounds a wait that should take no time.
	patience = 30 * time.Second
	// teardown bounds the removal of what a test made.
	teardown = time.Minute
)

// theImage is built once for all tests of a run, after the remains of earlier runs were
// removed.
var theImage = sync.OnceValues(func() (string, error) {
	ctx := context.Background()
	if err := FindEngine(ctx); err != nil {
		return "", err
	}
	if err := Sweep(ctx); err != nil {
		return "", err
	}
	began := time.Now()
	image, err := BuildImage(ctx, root)
	fmt.Printf("image built in %v\n", time.Since(began).Round(time.Millisecond))
	return image, err
})

// image returns the image, or skips the test where there is no engine.
func image(t *testing.T) string {
	t.Helper()
	name, err := theImage()
	switch {
	case errors.Is(err, ErrNoEngine):
		t.Skipf("NOT TESTED, THERE IS NO CONTAINER ENGINE HERE: %v", err)
	case err != nil:
		t.Fatal(err)
	}
	return name
}

// newLab returns a lab that goes away with the test.
func newLab(t *testing.T) *Lab {
	t.Helper()
	lab := NewLab(image(t))
	t.Cleanup(func() { removed(t, lab.Close) })
	return lab
}

// removed runs a removal with a context of its own: that of the test has ended.
func removed(t *testing.T, remove func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), teardown)
	defer cancel()
	if err := remove(ctx); err != nil {
		t.Error(err)
	}
}

// startBound bounds the time from the start of a container to its first answer.
const startBound = time.Second

// start starts a node, waits until it answers, and shows its log if the test
// fails.
func start(t *testing.T, lab *Lab, id int) (*Node, *client.Client) {
	t.Helper()
	node, err := lab.Node(t.Context(), id, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			logs, err := node.Logs(context.Background())
			t.Logf("log of node %d (%v):\n%s", id, err, logs)
		}
	})
	began := time.Now()
	c := dial(t, node.URL())
	answers(t, c)
	t.Logf("node %d answers %v after docker run", id, time.Since(began).Round(time.Millisecond))
	return node, c
}

func dial(t *testing.T, url string) *client.Client {
	t.Helper()
	c, err := client.New(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// answers waits until a node answers. The engine accepts connections to a published port
// before the container does, and drops them.
func answers(t *testing.T, c *client.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	pause := time.NewTicker(10 * time.Millisecond)
	defer pause.Stop()
	for {
		err := c.Ping(ctx)
		if err == nil {
			return
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			t.Fatalf("%s does not answer: %v", c.Base(), err)
		}
	}
}

func TestTheImageHoldsOneProgramThatIsNotRoot(t *testing.T) {
	lab := newLab(t)
	user, err := docker(t.Context(), "image", "inspect", "--format", "{{.Config.User}}", lab.image)
	if err != nil || user == "" || user == "root" || user[0] == '0' {
		t.Errorf("the image runs as %q, %v", user, err)
	}
	if out, err := docker(t.Context(), "run", "--rm", lab.image, "version"); err != nil || out == "" {
		t.Errorf("cohort version prints %q, %v", out, err)
	}
}

func TestAContainerThatIsStoppedLeavesByItself(t *testing.T) {
	lab := newLab(t)
	node, _ := start(t, lab, 0)
	began := time.Now()
	status, err := node.Stop(t.Context(), 10)
	if err != nil || status != "0" {
		t.Errorf("docker stop: status %s, %v; 137 means that it had to be killed", status, err)
	}
	t.Logf("left %v after docker stop", time.Since(began).Round(time.Millisecond))
}

func TestOnlyLeftoversOfDeadRunsAreRemoved(t *testing.T) {
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		want bool
	}{
		{fmt.Sprintf("%s%d-abcdef-node0", namePrefix, dead.Process.Pid), true},
		{fmt.Sprintf("%s%d-abcdef_node0_1", namePrefix, dead.Process.Pid), true},
		{fmt.Sprintf("%s%d-abcdef-node0", namePrefix, os.Getpid()), false},
		{"cohort-test-of-someone-else", false},
		{"cohort-1", false},
	}
	for _, test := range tests {
		if got := isLeftover(test.name); got != test.want {
			t.Errorf("isLeftover(%q) = %v", test.name, got)
		}
	}
}

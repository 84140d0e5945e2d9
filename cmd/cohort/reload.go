package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// reload is something that a node reads again when it is told to.
type reload struct {
	name string
	do   func() error
}

// reloadOnHangup reads again what can be, each time the process gets SIGHUP,
// until ctx ends. What cannot be read stays as it was.
func reloadOnHangup(ctx context.Context, all []reload, log *slog.Logger) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			reloadAll(all, log)
		}
	}
}

func reloadAll(all []reload, log *slog.Logger) {
	if len(all) == 0 {
		log.Info("SIGHUP: this node was started with nothing that can be read again")
	}
	for _, r := range all {
		if err := r.do(); err != nil {
			log.Error("SIGHUP: not read again: the node goes on with what it had", "what", r.name, "err", err)
			continue
		}
		log.Info("SIGHUP: read again", "what", r.name)
	}
}

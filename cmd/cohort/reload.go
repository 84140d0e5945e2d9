package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// reload is a setting that a node reads again on SIGHUP.
type reload struct {
	name string
	do   func() error
}

// reloadOnHangup reloads all settings each time the process gets SIGHUP, until ctx ends.
// If a setting cannot be read, its previous value stays in use.
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
		log.Info("SIGHUP: this node has no files to reload")
	}
	for _, r := range all {
		if err := r.do(); err != nil {
			log.Error("SIGHUP: not reloaded: the previous values stay in use", "what", r.name, "err", err)
			continue
		}
		log.Info("SIGHUP: reloaded", "what", r.name)
	}
}

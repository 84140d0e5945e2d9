package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// checkPprof refuses addresses that other machines can reach. Profiles are served without
// tokens, and show the contents of memory.
func checkPprof(address string) error {
	if address == "" {
		return nil
	}
	if err := checkListen(address); err != nil {
		return fmt.Errorf("--pprof: %w", err)
	}
	if !onlyHere(address) {
		return fmt.Errorf("--pprof %s: profiles are served on loopback only, such as 127.0.0.1:6060; for other addresses use --admin-http, with tokens", address)
	}
	return nil
}

// servePprof serves profiles on a separate listener until ctx ends. It returns when the
// listener is open; wait waits for its end.
func servePprof(ctx context.Context, address string, log *slog.Logger) (wait func(), err error) {
	if address == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--pprof: %w", err)
	}
	routes := http.NewServeMux()
	routes.HandleFunc("/debug/pprof/", pprof.Index)
	routes.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	routes.HandleFunc("/debug/pprof/profile", pprof.Profile)
	routes.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	routes.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: ownNames(routes), ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Warn("profiles are no longer served", "err", err)
		}
	}()
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	return func() {
		stop()
		_ = server.Close() // the error is of the listener, which is closed in any case
		<-ended
	}, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/cohortkv/cohort/benchmark/bare"
)

type benchBareCmd struct {
	HTTP   string `default:"127.0.0.1:8081" placeholder:"HOST:PORT" help:"Address for clients (${default})."`
	Bucket string `name:"default-bucket" enum:"strong,causal" default:"strong" help:"Model of /data: strong or causal."`
}

// Run serves until it is told to stop.
func (c benchBareCmd) Run(ctx context.Context, term terminal) error {
	listener, err := net.Listen("tcp", c.HTTP)
	if err != nil {
		return err
	}
	fmt.Fprintf(term.err, "the baseline serves on http://%s\n", listener.Addr())
	server := bare.New(c.Bucket)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return errors.Join(server.Close(), <-served)
	}
}

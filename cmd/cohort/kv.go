package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/client"
)

type kvCmd struct {
	Put kvPutCmd `cmd:"" help:"Write a key."`
	Get kvGetCmd `cmd:"" help:"Print the value of a key."`
	Del kvDelCmd `cmd:"" help:"Delete a key."`
	Ls  kvLsCmd  `cmd:"" help:"List keys."`
}

// bucket is what all kv commands have in common.
type bucket struct {
	Bucket string `env:"COHORT_BUCKET" enum:"strong,causal" default:"strong" help:"The bucket: strong or causal."`
	target
}

type kvPutCmd struct {
	Key   string  `arg:"" help:"The key: any bytes but none."`
	Value *string `arg:"" optional:"" help:"The value; without one it is read from standard input."`
	Type  string  `placeholder:"TYPE" help:"Content-Type to keep with the value (${default})." default:"application/octet-stream"`
	New   bool    `help:"Only if the key does not exist."`
	IfTag string  `name:"if-match" placeholder:"ETAG" help:"Only if the value still has this ETag."`
	bucket
}

func (c kvPutCmd) Run(ctx context.Context, term terminal) error {
	value, err := c.value(term.in)
	if err != nil {
		return err
	}
	options := client.Options{ContentType: c.Type, CreateOnly: c.New, IfMatch: c.IfTag}
	return writeError(c.ask(ctx, func(ctx context.Context, node *client.Client) error {
		answer, err := node.Put(ctx, c.Bucket, c.Key, value, options)
		if err != nil {
			return err
		}
		what := "replaced"
		if answer.Status == http.StatusCreated {
			what = "created"
		}
		fmt.Fprintln(term.out, what, answer.Version.ETag())
		return nil
	}))
}

func (c kvPutCmd) value(in io.Reader) ([]byte, error) {
	if c.Value != nil {
		return []byte(*c.Value), nil
	}
	value, err := io.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("read the value: %w", err)
	}
	return value, nil
}

type kvGetCmd struct {
	Key string `arg:"" help:"The key."`
	bucket
}

// Run prints the bytes of the value and nothing else.
func (c kvGetCmd) Run(ctx context.Context, term terminal) error {
	return c.ask(ctx, func(ctx context.Context, node *client.Client) error {
		answer, err := node.Get(ctx, c.Bucket, c.Key, client.Options{})
		if err != nil {
			return err
		}
		if !answer.Found() {
			return fmt.Errorf("%s: no such key", printable(c.Key))
		}
		_, err = term.out.Write(answer.Value)
		return err
	})
}

type kvDelCmd struct {
	Key   string `arg:"" help:"The key."`
	IfTag string `name:"if-match" placeholder:"ETAG" help:"Only if the value still has this ETag."`
	bucket
}

func (c kvDelCmd) Run(ctx context.Context, term terminal) error {
	return writeError(c.ask(ctx, func(ctx context.Context, node *client.Client) error {
		if _, err := node.Delete(ctx, c.Bucket, c.Key, client.Options{IfMatch: c.IfTag}); err != nil {
			return err
		}
		fmt.Fprintln(term.out, "deleted")
		return nil
	}))
}

type kvLsCmd struct {
	Prefix string `arg:"" optional:"" help:"Only keys that begin with this."`
	Long   bool   `short:"l" help:"Show ETag, size and type too."`
	bucket
}

// Run reads page after page: each is the state at one moment, and has the time
// limit to itself.
func (c kvLsCmd) Run(ctx context.Context, term terminal) error {
	for cursor := ""; ; {
		var page api.List
		err := c.ask(ctx, func(ctx context.Context, node *client.Client) (err error) {
			page, err = node.List(ctx, c.Bucket, c.Prefix, 0, cursor)
			return err
		})
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			if c.Long {
				fmt.Fprintf(term.out, "%-20s %8d  %-24s  ", item.ETag, item.Size, item.ContentType)
			}
			fmt.Fprintln(term.out, printable(item.Name()))
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}

// writeError adds what matters most after a failed write: whether it may have
// happened all the same.
func writeError(err error) error {
	switch client.OutcomeOf(api.Put, err) {
	case api.Applied:
		return err
	case api.Unknown:
		return fmt.Errorf("%w (the write may have taken effect)", err)
	}
	return fmt.Errorf("%w (nothing was written)", err)
}

// printable quotes a key that would garble a line.
func printable(key string) string {
	if strings.ContainsFunc(key, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(key)
	}
	return key
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/client"
)

type kvCmd struct {
	Put kvPutCmd `cmd:"" help:"Write a key."`
	Get kvGetCmd `cmd:"" help:"Print the value of a key."`
	Del kvDelCmd `cmd:"" aliases:"delete" help:"Delete a key."`
	Ls  kvLsCmd  `cmd:"" aliases:"list" help:"List keys."`
}

func (kvCmd) Help() string { return exitHelp }

// bucket is what all kv commands have in common.
type bucket struct {
	Bucket  string      `env:"COHORT_BUCKET" enum:"strong,causal" default:"strong" help:"The bucket: strong or causal."`
	Session sessionFile `env:"COHORT_SESSION" placeholder:"FILE" help:"Causal bucket: keep the session in this file. Commands with the same session never read older data than the commands before them, through any node. Concurrent commands wait for one another."`
	target
}

// within calls f with a client of the node and with the options of a request. The
// session of the options is the one in the file; within stores the session that f returns.
func (b bucket) within(ctx context.Context, f func(context.Context, *client.Client, client.Options) (session string, err error)) (err error) {
	if b.Session != "" && b.Bucket != api.BucketCausal {
		return unsent{errors.New("--session needs --bucket causal: the strong bucket has no sessions")}
	}
	unlock, err := b.Session.lock(ctx, b.Timeout)
	if err != nil {
		return unsent{err}
	}
	defer func() { err = errors.Join(err, unlock()) }()
	session, err := b.Session.read()
	if err != nil {
		return unsent{err}
	}
	options := client.Options{Session: session, Timeout: b.Timeout * 9 / 10} // so that the node can answer why it waits before the command gives up
	return b.ask(ctx, func(ctx context.Context, node *client.Client) error {
		session, err := f(ctx, node, options)
		return errors.Join(err, b.Session.write(session))
	})
}

// unsent is an error before any request was sent.
type unsent struct{ error }

// sessionOf is the session that an answer brought, if there is an answer.
func sessionOf(answer *client.Answer) string {
	if answer == nil {
		return ""
	}
	return answer.Session
}

type kvPutCmd struct {
	Key   bytesArg  `arg:"" help:"The key: one or more bytes of any value. A key that begins with - comes after --."`
	Value *bytesArg `arg:"" optional:"" help:"The value. Without it, the value is read from standard input."`
	Type  string    `placeholder:"TYPE" help:"Content-Type to store with the value (${default})." default:"application/octet-stream"`
	New   bool      `help:"Write only if the key does not exist."`
	IfTag *ifMatch  `name:"if-match" placeholder:"ETAG" help:"Write only if the value still has this ETag."`
	bucket
}

// ifMatch is an ETag on the command line.
type ifMatch string

// Decode implements kong.MapperValue. An empty ETag is probably a shell variable that was
// never set. Without the condition, the write would overwrite the value that the condition
// was to protect.
func (m *ifMatch) Decode(ctx *kong.DecodeContext) error {
	text, err := argument(ctx)
	if err == nil && strings.TrimSpace(text) == "" {
		err = errors.New("an ETag is never empty")
	}
	*m = ifMatch(text)
	return err
}

func (c kvPutCmd) Run(ctx context.Context, term terminal) error {
	value, err := c.value(term.in)
	if err != nil {
		return err
	}
	return writeError(c.within(ctx, func(ctx context.Context, node *client.Client, o client.Options) (string, error) {
		o.ContentType, o.CreateOnly, o.IfMatch = c.Type, c.New, (*string)(c.IfTag)
		answer, err := node.Put(ctx, c.Bucket, string(c.Key), value, o)
		if err != nil {
			return "", err
		}
		result := "replaced"
		if answer.Status == http.StatusCreated {
			result = "created"
		}
		fmt.Fprintln(term.out, result, answer.ETag)
		return answer.Session, nil
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
	Key bytesArg `arg:"" help:"The key."`
	bucket
}

// Run prints the bytes of the value and nothing else.
func (c kvGetCmd) Run(ctx context.Context, term terminal) error {
	return answered(api.Read, c.within(ctx, func(ctx context.Context, node *client.Client, o client.Options) (string, error) {
		answer, err := node.Get(ctx, c.Bucket, string(c.Key), o)
		switch {
		case err != nil:
		case !answer.Found():
			err = failure{exitMissing, fmt.Errorf("%s: no such key", printable(string(c.Key)))}
		default:
			if _, err = term.out.Write(answer.Value); err != nil {
				err = failure{exitFailed, err}
			}
		}
		return sessionOf(answer), err
	}))
}

type kvDelCmd struct {
	Key   bytesArg `arg:"" help:"The key."`
	IfTag *ifMatch `name:"if-match" placeholder:"ETAG" help:"Delete only if the value still has this ETag."`
	bucket
}

func (c kvDelCmd) Run(ctx context.Context, term terminal) error {
	return writeError(c.within(ctx, func(ctx context.Context, node *client.Client, o client.Options) (string, error) {
		o.IfMatch = (*string)(c.IfTag)
		answer, err := node.Delete(ctx, c.Bucket, string(c.Key), o)
		if err != nil {
			return "", err
		}
		if answer.Found() {
			fmt.Fprintln(term.out, "deleted")
		} else {
			fmt.Fprintln(term.out, "there was no such key")
		}
		return answer.Session, nil
	}))
}

type kvLsCmd struct {
	Prefix bytesArg `arg:"" optional:"" help:"List only keys with this prefix."`
	Long   bool     `short:"l" help:"Also show ETag, size and type."`
	bucket
}

// Run reads page after page. Each page is the state at one moment, and the time limit holds
// for each page. In a causal bucket, a node lists the keys of its own shard only.
func (c kvLsCmd) Run(ctx context.Context, term terminal) error {
	prefix := string(c.Prefix)
	for cursor := ""; ; {
		var page api.List
		err := c.within(ctx, func(ctx context.Context, node *client.Client, o client.Options) (session string, err error) {
			page, session, err = node.ListWith(ctx, c.Bucket, prefix, 0, cursor, o)
			return session, err
		})
		if err != nil {
			return answered(api.Read, err)
		}
		if page.Shard != nil && cursor == "" {
			fmt.Fprintf(term.err, "(keys of shard %s, which this node belongs to)\n", printable(*page.Shard))
		}
		for _, item := range page.Items {
			if c.Long {
				fmt.Fprintf(term.out, "%-20s %8d  %-24s  ", item.ETag, item.Size, printable(item.ContentType))
			}
			fmt.Fprintln(term.out, printable(item.Name()))
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}

// writeError adds to a failed write whether the write may have taken effect.
func writeError(err error) error {
	err = answered(api.Put, err)
	switch statusOf(err) {
	case 0:
		return nil
	case exitUnknown:
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

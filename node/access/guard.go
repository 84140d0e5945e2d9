package access

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

// Config names the files. An empty name turns the feature off.
type Config struct {
	Certificate string       // PEM: the server's certificate, and the intermediate ones up to a root
	Key         string       // PEM: the key of Certificate
	ClientCA    string       // PEM: a client is identified if one of these authorities signed its certificate
	Tokens      string       // file of tokens (ParseTokens)
	Log         *slog.Logger // nil: nothing is logged
}

// Guard identifies clients, and holds their rights. It may be used by any
// goroutine.
type Guard struct {
	cfg    Config
	tls    atomic.Pointer[tls.Config] // nil: no TLS
	tokens atomic.Pointer[Tokens]     // nil: none were given
	seen   []stamp                    // of the files, when they were last read; used by Run, and by Open before Run
}

// Open reads the files and returns a guard. It fails if one of them cannot be read.
func Open(cfg Config) (*Guard, error) {
	if (cfg.Certificate == "") != (cfg.Key == "") {
		return nil, errors.New("a certificate goes with its key")
	}
	if cfg.ClientCA != "" && cfg.Certificate == "" {
		return nil, errors.New("certificates of clients are asked for over TLS only: give the server's own, too")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	g := &Guard{cfg: cfg}
	g.seen = g.stamps()
	return g, g.Reload()
}

// Encrypts reports whether connections use TLS.
func (g *Guard) Encrypts() bool { return g.cfg.Certificate != "" }

// Knows reports whether clients must identify themselves.
func (g *Guard) Knows() bool { return g.cfg.Tokens != "" || g.cfg.ClientCA != "" }

// TLS is the configuration for connections; nil if they are not encrypted. New
// connections use the files' contents as of the last Reload.
func (g *Guard) TLS() *tls.Config {
	if !g.Encrypts() {
		return nil
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return g.tls.Load(), nil },
	}
}

// Tokens are the parties that are known now. nil means that every client with a
// verified certificate has every right. The result changes only when a file does,
// so a caller may cache what it found as long as Tokens returns the same pointer.
func (g *Guard) Tokens() *Tokens { return g.tokens.Load() }

// Everything is the party of a client with a verified certificate if there are no
// tokens. It has every right.
func Everything(name string) *Party { return &Party{Name: name, all: true} }

// Reload reads the files again. If one cannot be read, all stay as they were.
func (g *Guard) Reload() error {
	encrypt, err := g.readTLS()
	if err != nil {
		return err
	}
	var tokens *Tokens
	if g.cfg.Tokens != "" {
		text, err := os.ReadFile(g.cfg.Tokens)
		if err != nil {
			return fmt.Errorf("tokens: %w", err)
		}
		if tokens, err = ParseTokens(text); err != nil {
			return fmt.Errorf("tokens: %s: %w", g.cfg.Tokens, err)
		}
	}
	g.tls.Store(encrypt)
	g.tokens.Store(tokens)
	return nil
}

func (g *Guard) readTLS() (*tls.Config, error) {
	if !g.Encrypts() {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(g.cfg.Certificate, g.cfg.Key)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	if g.cfg.ClientCA == "" {
		return c, nil
	}
	text, err := os.ReadFile(g.cfg.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("client CA: %w", err)
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("client CA: %s holds no certificate", g.cfg.ClientCA)
	}
	c.ClientAuth = tls.VerifyClientCertIfGiven // a client without a certificate is let in: some paths need none
	return c, nil
}

// lookEvery is the interval at which the files are checked for changes.
const lookEvery = time.Second

// Run reloads the files when they change, until stop is closed.
func (g *Guard) Run(stop <-chan struct{}) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			g.look()
		case <-stop:
			return
		}
	}
}

func (g *Guard) look() {
	now := g.stamps()
	if slices.Equal(now, g.seen) {
		return
	}
	g.seen = now
	if err := g.Reload(); err != nil {
		g.cfg.Log.Warn("files of certificates or tokens have changed and cannot be read: the old ones stay in force", "err", err)
		return
	}
	g.cfg.Log.Info("certificates and tokens were read again")
}

// stamp shows whether a file has changed.
type stamp struct {
	changed int64
	size    int64
}

func (g *Guard) stamps() []stamp {
	all := make([]stamp, 0, 4)
	for _, path := range []string{g.cfg.Certificate, g.cfg.Key, g.cfg.ClientCA, g.cfg.Tokens} {
		var s stamp
		if path != "" {
			if info, err := os.Stat(path); err == nil {
				s = stamp{info.ModTime().UnixNano(), info.Size()}
			}
		}
		all = append(all, s)
	}
	return all
}

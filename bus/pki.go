package bus

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// LoadCredentials reads certificate, key and accepted authorities from PEM files of a PKI. The
// certificate must name this node (NodeName) and be valid for both ends of a connection. When
// the files change, the next connection reads them again. If the new certificate and key do
// not match, or name another node, the previous ones stay in use, and complain is called once.
func LoadCredentials(name NodeName, certFile, keyFile, caFile string, complain func(error)) (*Credentials, error) {
	f := &files{name: name, cert: certFile, key: keyFile, ca: caFile}
	if _, _, err := f.load(); err != nil {
		return nil, err
	}
	f.complain = complain
	return &Credentials{
		name: name,
		certificate: func() (*tls.Certificate, error) {
			pair, _, err := f.load()
			return pair, err
		},
		accepted: func() (*x509.CertPool, error) {
			_, pool, err := f.load()
			return pool, err
		},
	}, nil
}

// files are the files of a PKI and their last contents.
type files struct {
	name          NodeName
	cert, key, ca string
	complain      func(error) // nil: at the first reading, whose error is returned

	mu struct {
		sync.Mutex
		stamp stamp
		pair  *tls.Certificate
		pool  *x509.CertPool
	}
}

// stamp identifies a version of a file.
type stamp [3]struct {
	at   time.Time
	size int64
}

// load reads the files if they have changed. If the new contents are not usable, the previous
// ones stay in use: an operator may be replacing the files.
func (f *files) load() (*tls.Certificate, *x509.CertPool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, err := f.look()
	if now != f.mu.stamp {
		f.mu.stamp = now
		if err == nil {
			err = f.read()
		}
		if err != nil && f.complain != nil {
			f.complain(err)
		}
	}
	if f.mu.pair == nil {
		return nil, nil, err
	}
	return f.mu.pair, f.mu.pool, nil
}

func (f *files) look() (s stamp, err error) {
	for i, name := range []string{f.cert, f.key, f.ca} {
		info, err := os.Stat(name)
		if err != nil {
			return s, err
		}
		s[i].at, s[i].size = info.ModTime(), info.Size()
	}
	return s, nil
}

func (f *files) read() error {
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("%s, %s: %w", f.cert, f.key, err)
	}
	name, err := CertificateName(pair.Leaf)
	if err != nil {
		return fmt.Errorf("%s: %w", f.cert, err)
	}
	if name != f.name {
		return fmt.Errorf("%s names %s, and this node is %s", f.cert, name, f.name)
	}
	raw, err := os.ReadFile(f.ca)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return fmt.Errorf("%s: %w", f.ca, errors.New("the file has no certificate"))
	}
	f.mu.pair, f.mu.pool = &pair, pool
	return nil
}

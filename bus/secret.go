package bus

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Costs of argon2id. An attacker with a recorded handshake pays as much for each guess as a
// node for its start: some 60 ms and 32 MiB.
const (
	stretchPasses = 3
	stretchMemory = 32 << 10 // KiB
	keySize       = 32
)

// maxSecrets bounds the secrets that are valid at once. A rotation needs two.
const maxSecrets = 8

// Secrets are the valid secrets of a cluster, stretched. A node uses the first and accepts
// all. Without any secret, no key can be derived.
type Secrets struct{ roots [][]byte }

// NewSecrets stretches the secrets in text, one on each line. Blank lines, and blanks around a
// secret, are ignored.
func NewSecrets(text string) (Secrets, error) {
	var lines []string
	for line := range strings.Lines(text) {
		if secret := strings.TrimSpace(line); secret != "" {
			lines = append(lines, secret)
		}
	}
	switch {
	case len(lines) == 0:
		return Secrets{}, errors.New("the text has no secret")
	case len(lines) > maxSecrets:
		return Secrets{}, fmt.Errorf("%d secrets exceed the limit of %d", len(lines), maxSecrets)
	}
	var s Secrets
	for _, secret := range lines {
		root := argon2.IDKey([]byte(secret), []byte("cohort cluster secret 1"), stretchPasses, stretchMemory, 1, keySize)
		s.roots = append(s.roots, root)
	}
	return s, nil
}

// Present reports whether there is a secret.
func (s Secrets) Present() bool { return len(s.roots) > 0 }

// Keys derives a key of 32 bytes from each secret, in their order. Keys of different labels are
// independent (HKDF-SHA-256, RFC 5869).
func (s Secrets) Keys(label string) [][]byte {
	keys := make([][]byte, len(s.roots))
	for i, root := range s.roots {
		key, err := hkdf.Expand(sha256.New, root, "cohort "+label, keySize)
		if err != nil {
			panic(fmt.Sprintf("bus: a key of %d bytes: %v", keySize, err)) // too long for SHA-256: never
		}
		keys[i] = key
	}
	return keys
}

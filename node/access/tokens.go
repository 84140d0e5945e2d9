package access

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// ParseTokens reads a file of tokens. A line has the form
//
//	NAME CREDENTIAL RIGHTS…
//
// with white space between the fields. Empty lines, and lines that begin with #,
// are ignored. Several lines may have one name.
//
// CREDENTIAL is sha256: followed by the SHA-256 of the token in hex, or cert:
// followed by the common name of a client's certificate.
//
// Each of RIGHTS is admin, or one of read, write and read,write. The latter may be
// followed by a colon and a bucket, and then by a slash and a prefix of keys. The
// prefix is escaped as in a path.
func ParseTokens(text []byte) (*Tokens, error) {
	t := &Tokens{byToken: map[[sha256.Size]byte]*Party{}, byCertificate: map[string]*Party{}}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if err := t.add(strings.Fields(line)); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	return t, lines.Err()
}

var errLine = errors.New("a line is a name, sha256:… or cert:…, and rights")

func (t *Tokens) add(fields []string) error {
	if len(fields) < 3 {
		return errLine
	}
	party := &Party{Name: fields[0]}
	for _, text := range fields[2:] {
		grants, err := parseGrants(text)
		if err != nil {
			return err
		}
		party.grants = append(party.grants, grants...)
	}
	kind, value, _ := strings.Cut(fields[1], ":")
	switch kind {
	case "sha256":
		raw, err := hex.DecodeString(value)
		if err != nil || len(raw) != sha256.Size {
			return errors.New("sha256: is followed by 64 hex digits, such as sha256sum prints")
		}
		sum := [sha256.Size]byte(raw)
		if t.byToken[sum] != nil {
			return errors.New("the token stands in another line, too")
		}
		t.byToken[sum] = party
	case "cert":
		if value == "" || t.byCertificate[value] != nil {
			return errors.New("cert: is followed by a common name that no other line has")
		}
		t.byCertificate[value] = party
	default:
		return errLine // without the credential, which may be a token in clear text
	}
	return nil
}

// parseGrants reads one field of rights.
func parseGrants(text string) ([]grant, error) {
	names, scope, scoped := strings.Cut(text, ":")
	bucket, escaped, _ := strings.Cut(scope, "/")
	prefix, err := url.PathUnescape(escaped)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	if scoped && bucket != "strong" && bucket != "causal" {
		return nil, fmt.Errorf("%s: the buckets are strong and causal", text)
	}
	var grants []grant
	for name := range strings.SplitSeq(names, ",") {
		g := grant{bucket: bucket, prefix: prefix}
		switch {
		case name == "read":
			g.right = Read
		case name == "write":
			g.right = Write
		case name == "admin" && !scoped:
			g.right = Admin
		default:
			return nil, fmt.Errorf("%s: the rights are read and write, with or without a bucket and a prefix, and admin", text)
		}
		grants = append(grants, g)
	}
	return grants, nil
}

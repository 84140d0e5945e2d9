package natsbus

import (
	"strings"
	"testing"
)

func FuzzPasswordsOfURLsAreNotShown(f *testing.F) {
	for _, password := range []string{"simple", "with@at", "with,comma", "with/slash", "with:colon", "with space", "with%zz", "#?"} {
		f.Add("user", password, "host:4222")
	}
	f.Fuzz(func(t *testing.T, user, password, host string) {
		const mark = "CONFIDENTIAL"
		for _, login := range []string{user + ":" + mark + password, user + ":" + password + mark, mark + password} {
			for _, list := range []string{"nats://" + login + "@" + host, "nats://a:1," + login + "@" + host} {
				shown, err := checkURLs(list)
				if err != nil {
					shown = err.Error()
				}
				if strings.Contains(shown, mark) {
					t.Errorf("%q is shown as %q", list, shown)
				}
			}
		}
	})
}

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker (Makefile, Dockerfile).
var version = ""

type versionCmd struct{}

func (versionCmd) Run(term terminal) error {
	fmt.Fprintf(term.out, "cohort %s %s %s/%s\n", versionName(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// versionName falls back to the version that go install leaves in the binary.
func versionName() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

// Command arch prints the packages of this repository by floors, each with the packages
// that it imports. `make arch` runs it.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/cohortkv/cohort/internal/archtest"
)

func main() {
	root := flag.String("root", ".", "the repository")
	flag.Parse()
	tree, err := archtest.Load(*root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "arch:", err)
		os.Exit(1)
	}
	fmt.Print(tree.Picture())
}

package archtest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Graph returns the imports of each package within this repository. Tests are left out.
func (t Tree) Graph() map[string][]string {
	edges := map[string]map[string]bool{}
	for _, src := range t.Sources {
		if edges[src.Package()] == nil {
			edges[src.Package()] = map[string]bool{}
		}
		if src.IsTest() {
			continue
		}
		for _, spec := range src.Syntax.Imports {
			target, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
			if ours, ok := strings.CutPrefix(target, Module+"/"); ok {
				edges[src.Package()][ours] = true
			}
		}
	}
	graph := map[string][]string{}
	for pkg, targets := range edges {
		graph[pkg] = slices.Sorted(maps.Keys(targets))
	}
	return graph
}

// Floors sorts the packages of a graph by floors. A package on floor 0 imports no other
// one; every other package is one floor above the highest package that it imports.
func Floors(graph map[string][]string) [][]string {
	heights := map[string]int{}
	var height func(pkg string) int
	height = func(pkg string) int {
		h, known := heights[pkg]
		if known {
			return h
		}
		for _, target := range graph[pkg] {
			h = max(h, 1+height(target))
		}
		heights[pkg] = h
		return h
	}
	var floors [][]string
	for _, pkg := range slices.Sorted(maps.Keys(graph)) {
		for len(floors) <= height(pkg) {
			floors = append(floors, nil)
		}
		floors[height(pkg)] = append(floors[height(pkg)], pkg)
	}
	return floors
}

// Picture renders the packages by floors, the highest first, each with its imports.
func (t Tree) Picture() string {
	graph := t.Graph()
	width := 0
	for pkg := range graph {
		width = max(width, len(pkg))
	}
	var b strings.Builder
	for height, floor := range slices.Backward(Floors(graph)) {
		fmt.Fprintf(&b, "floor %d\n", height)
		for _, pkg := range floor {
			line := fmt.Sprintf("  %-*s  %s", width, pkg, strings.Join(graph[pkg], " "))
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	return b.String()
}

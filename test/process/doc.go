// Package process tests real cohort processes from outside: three `cohort serve` over TCP
// on this machine (docs/testing.md §8). The tests kill, pause and empty the nodes while
// clients use them. Package benchmark judges what the clients saw. The tests use only the
// binary and the HTTP surface.
//
// A load lasts COHORT_PROCESS_SECONDS seconds, 5 by default. Porcupine takes five to ten
// seconds to judge each second of load.
package process

// Package process tests real cohort processes from outside: three `cohort serve`
// over TCP on this machine, killed, stopped and emptied while clients use them.
// What the clients saw is judged by package benchmark. It uses the binary and
// the HTTP surface only.
//
// A run under load lasts COHORT_PROCESS_SECONDS seconds, 30 unless set.
package process

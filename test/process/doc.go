// Package process tests real cohort processes from outside: three `cohort serve`
// over TCP on this machine, killed, stopped and emptied while clients use them.
// What the clients saw is judged by package benchmark. It uses the binary and
// the HTTP surface only.
//
// A load lasts COHORT_PROCESS_SECONDS seconds, 5 unless set. Judging what a
// second of it leaves takes Porcupine five to ten.
package process

package main

import (
	"errors"
	"log/slog"
	"time"

	"github.com/cohortkv/cohort/node"
	"github.com/cohortkv/cohort/node/store/disk"
)

// dataSettings say where a node keeps its data.
type dataSettings struct {
	DataDir    string `env:"COHORT_DATA_DIR" placeholder:"DIR" help:"Keep all data in this directory: a restarted node has it again. Without it, all data is in memory."`
	Durability string `env:"COHORT_DURABILITY" enum:",fsync,async,memory" default:"" placeholder:"MODE" help:"When a write is acknowledged: fsync: when the disk has it (with --data-dir); async: when the operating system has it; memory: when memory has it (without --data-dir)."`
	DataAside  bool   `env:"COHORT_DATA_ASIDE" help:"If the data in --data-dir is damaged, set it aside and start without data."`
}

const durabilityMemory = "memory"

// check refuses settings that contradict each other.
func (d dataSettings) check() error {
	inMemory := d.Durability == durabilityMemory
	switch {
	case d.DataDir != "" && inMemory:
		return errors.New("--durability memory keeps nothing in --data-dir: leave one of them out")
	case d.DataDir == "" && d.Durability != "" && !inMemory:
		return errors.New("--durability " + d.Durability + " needs --data-dir")
	case d.DataDir == "" && d.DataAside:
		return errors.New("--data-aside needs --data-dir")
	}
	return nil
}

// open opens the data of a node, and sets what the node needs of it. Without a directory it does
// nothing.
func (d dataSettings) open(cfg *node.Config) error {
	if d.DataDir == "" {
		return nil
	}
	mode := disk.Fsync
	if d.Durability != "" {
		mode = disk.Mode(d.Durability)
	}
	s, err := disk.Open(disk.Config{
		Dir: d.DataDir, Cluster: cfg.Cluster, Node: cfg.ID, Mode: mode, Aside: d.DataAside, BootID: disk.BootID(),
	})
	if damage := new(disk.Damage); errors.As(err, &damage) {
		return errors.Join(err, errors.New("to start without this data, and keep it beside: --data-aside"))
	}
	if err != nil {
		return err
	}
	found := s.Found()
	cfg.Store, cfg.Incarnation, cfg.Recovered = s, s.Incarnation(), found.Recovered
	logFound(cfg.Log, cfg, found, d.DataDir)
	return nil
}

// logFound logs what a node starts with.
func logFound(log *slog.Logger, cfg *node.Config, found *disk.Found, dir string) {
	if found.Aside != "" {
		log.Warn("the data was set aside", "node", cfg.ID, "to", found.Aside, "err", found.Why)
	}
	log.Info("data directory opened", "node", cfg.ID, "dir", dir, "empty", found.Recovered == nil,
		"keys", found.Keys, "causal_items", found.Items, "replayed", found.Records, "took", found.Took.Round(time.Millisecond))
}

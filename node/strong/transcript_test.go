package strong_test

import (
	"testing"

	"github.com/cohortkv/cohort/internal/script"
)

// TestTranscripts plays the scripts in testdata. Start with failover.txt.
func TestTranscripts(t *testing.T) { script.Transcripts(t, script.Strong()) }

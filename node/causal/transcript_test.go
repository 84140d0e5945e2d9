package causal_test

import (
	"testing"

	"github.com/cohortkv/cohort/internal/script"
)

// TestTranscripts plays the scripts in testdata. Start with write.txt.
func TestTranscripts(t *testing.T) { script.Transcripts(t, script.Causal()) }

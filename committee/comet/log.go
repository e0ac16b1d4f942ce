package comet

import (
	"log/slog"

	cmtlog "github.com/cometbft/cometbft/libs/log"
)

// logBridge gives CometBFT's log lines to slog. What it calls information is a
// developer's question for us; what it calls an error is mostly a peer that
// went away. The one that an operator must act on, the halt, Node reports itself.
type logBridge struct{ log *slog.Logger }

var _ cmtlog.Logger = logBridge{}

// Debug implements [log.Logger].
func (l logBridge) Debug(msg string, keyvals ...any) {
	l.log.Debug(msg, keyvals...) //nolint:sloglint // CometBFT's own words
}

// Info implements [log.Logger].
func (l logBridge) Info(msg string, keyvals ...any) {
	l.log.Debug(msg, keyvals...) //nolint:sloglint // CometBFT's own words
}

// Warn implements [log.Logger].
func (l logBridge) Warn(msg string, keyvals ...any) {
	l.log.Warn(msg, keyvals...) //nolint:sloglint // CometBFT's own words
}

// Error implements [log.Logger].
func (l logBridge) Error(msg string, keyvals ...any) {
	l.log.Warn(msg, keyvals...) //nolint:sloglint // CometBFT's own words
}

// With implements [log.Logger].
func (l logBridge) With(keyvals ...any) cmtlog.Logger { return logBridge{l.log.With(keyvals...)} }

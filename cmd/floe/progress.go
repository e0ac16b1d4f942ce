package main

import (
	"fmt"
	"io"
	"os"

	"github.com/mattn/go-isatty"

	"github.com/floe-storage/floe/node/client"
)

// progress shows how far storing is, on one line of a terminal.
type progress struct {
	out  io.Writer // nil: show nothing
	used bool
}

func (a *app) progress() *progress {
	f, ok := a.err.(*os.File)
	if !ok || !isatty.IsTerminal(f.Fd()) {
		return &progress{}
	}
	return &progress{out: f}
}

const clearLine = "\r\x1b[K"

func (p *progress) show(s client.Progress) {
	if p.out == nil {
		return
	}
	p.used = true
	text := string(s.Step)
	if s.Total > 0 {
		text += fmt.Sprintf(" %d of %d shards confirmed", s.Done, s.Total)
	}
	_, _ = fmt.Fprintf(p.out, "%s%s …", clearLine, text) // it is for the eye only
}

func (p *progress) end() {
	if p.used {
		_, _ = fmt.Fprint(p.out, clearLine) // see show
	}
}

// Ledgerdoc writes the page that lists every transaction of the ledger, out of
// the ledger's source: what each message does, its fields, the codes that it
// can be refused with, the events that it emits and the work that it takes.
//
//	ledgerdoc [-o file] [directory]
//
// The directory is that of package ledger, by default the present one; the
// page goes to standard output or to the file. go generate runs it.
//
// # How it works
//
// The package is type-checked by itself, its imports left empty. A code belongs
// to a message if a function that the message's apply reaches names it, and
// hands it on as an *Error; an event belongs to it if such a function makes a
// value of the event's type.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("o", "", "`file` to write; standard output if empty")
	flag.Parse()
	dir := "."
	if flag.NArg() > 0 {
		dir = flag.Arg(0)
	}
	if err := run(dir, *out); err != nil {
		fmt.Fprintln(os.Stderr, "ledgerdoc:", err)
		os.Exit(1)
	}
}

func run(dir, out string) error {
	text, err := page(dir)
	if err != nil {
		return err
	}
	if out == "" {
		_, err = os.Stdout.WriteString(text)
		return err
	}
	return os.WriteFile(out, []byte(text), 0o644)
}

// page returns the page about the ledger in a directory.
func page(dir string) (string, error) {
	src, err := load(dir)
	if err != nil {
		return "", fmt.Errorf("read ledger in %s: %w", dir, err)
	}
	return render(src)
}

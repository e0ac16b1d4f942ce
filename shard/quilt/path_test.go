package quilt_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/floe-storage/floe/shard/quilt"
)

func TestSafePath(t *testing.T) {
	t.Parallel()
	good := []string{
		"a", "a.txt", "dir/a.txt", "a/b/c", ".hidden", "..a", "...a", "a..b", "a b", "_", "-rf", "~", "~root/x",
		"console", "nul1", "com", "com10", "lpt", "lptx", "com١", "auxiliary.txt", "x/null", "été/ñ.png", "\U0001f9ca",
		"a\u2025b", "%2e%2e/x", "$HOME", "a*?<>|\"b",
	}
	for _, s := range good {
		got, err := quilt.SafePath(s)
		if err != nil || got != filepath.FromSlash(s) || !filepath.IsLocal(got) {
			t.Errorf("%q: got %q, %v", s, got, err)
		}
	}
	bad := []string{
		"", ".", "..", "/", "/etc/passwd", "//server/share", "a/", "a//b", "./a", "a/./b", "../a", "a/../b", "a/..",
		`\a`, `..\a`, `a\..\b`, `\\server\share`, `\\?\C:\x`, `C:\x`, "C:x", "c:/x", "a:b", "file.txt::$DATA",
		"a\x00b", "a\nb", "a\x7f", "a\xff", "a ", "a/b /c", "a.", "a./b", "a/... /b", ".. /a", "... ", "....",
		"con", "CON", "Con.txt", "dir/nul", "nul.tar.gz", "NUL .txt", "prn/x", "aux", "com1", "COM9.log", "lpt0",
		"com¹", "LPT³.x", "conin$", "CONOUT$", strings.Repeat("x", 65532),
	}
	for _, s := range bad {
		if got, err := quilt.SafePath(s); !errors.Is(err, quilt.ErrPath) {
			t.Errorf("%.20q: got %.20q, %v, want ErrPath", s, got, err)
		}
	}
}

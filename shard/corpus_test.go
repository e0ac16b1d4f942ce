package shard_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// A fuzz test whose seeds have gone passes and tests nothing: each must have
// some in testdata/fuzz.
func TestSeedCorpora(t *testing.T) {
	t.Parallel()
	function := regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)
	for _, dir := range []string{".", "bcs", "merkle", "rs"} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d test files, %v", dir, len(files), err)
		}
		found := 0
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range function.FindAllSubmatch(src, -1) {
				found++
				name := string(m[1])
				seeds, err := filepath.Glob(filepath.Join(dir, "testdata", "fuzz", name, "*"))
				if err != nil || len(seeds) == 0 {
					t.Errorf("%s: %s has no seeds in testdata/fuzz, %v", dir, name, err)
				}
			}
		}
		if found == 0 {
			t.Errorf("%s: no fuzz tests", dir)
		}
	}
}

package quilt

import (
	"fmt"
	"path/filepath"
	"strings"
)

// devices are the names that Windows takes for a device in any directory, with
// any extension.
var devices = map[string]bool{
	"con": true, "prn": true, "aux": true, "nul": true, "conin$": true, "conout$": true,
}

// SafePath returns the path, relative to a directory and with the separators of
// this system, of the file into which a patch with that identifier may be
// extracted. The rule is the same on every system. It refuses with ErrPath what
// is absolute or empty in a part, "." and "..", backslashes and colons (drives,
// streams), control characters, parts that end with a dot or a space (Windows
// drops them), and names of devices.
//
// A path can still lead out of the directory through a symbolic link that is
// there already, and two identifiers can name one file where case does not
// matter: open the directory as an os.Root and create files with os.O_EXCL.
func SafePath(identifier string) (string, error) {
	if err := CheckIdentifier(identifier); err != nil {
		return "", fmt.Errorf("%w: %w", ErrPath, err)
	}
	if strings.ContainsAny(identifier, `\:`) {
		return "", fmt.Errorf("%w: %.64q has a backslash or a colon", ErrPath, identifier)
	}
	for part := range strings.SplitSeq(identifier, "/") {
		switch {
		case part == "":
			return "", fmt.Errorf("%w: %.64q is absolute or has an empty part", ErrPath, identifier)
		case strings.Trim(part, ".") == "":
			return "", fmt.Errorf("%w: %.64q has a part of dots only", ErrPath, identifier)
		case strings.TrimRight(part, ". ") != part:
			return "", fmt.Errorf("%w: %.64q has a part that ends with a dot or a space", ErrPath, identifier)
		case isDevice(part):
			return "", fmt.Errorf("%w: %.64q names a device", ErrPath, identifier)
		}
	}
	return filepath.FromSlash(identifier), nil
}

// isDevice reports whether Windows takes a part of a path for a device.
func isDevice(part string) bool {
	name, _, _ := strings.Cut(strings.ToLower(part), ".")
	name = strings.TrimRight(name, " ")
	if devices[name] {
		return true
	}
	port, ok := strings.CutPrefix(name, "com")
	if !ok {
		port, ok = strings.CutPrefix(name, "lpt")
	}
	switch port {
	case "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³":
		return ok
	default:
		return false
	}
}

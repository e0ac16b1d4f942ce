package quilt

// For the tests of the rules that New applies to what it is given.
var (
	FindSymbolSize = findSymbolSize
	CompareKeys    = compareKeys
)

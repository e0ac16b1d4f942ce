package store

// SetFree replaces the measurement of free space.
func (s *Store) SetFree(free func() (uint64, error)) {
	s.free = func(string) (uint64, error) { return free() }
}

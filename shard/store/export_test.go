package store

// SetFree replaces the measurement of free space.
func (s *Store) SetFree(free func() (uint64, error)) {
	s.free = func(string) (uint64, error) { return free() }
}

// SetSync has fn called before logs are synced; if it returns an error, they are not.
// The store must not be in use.
func (s *Store) SetSync(fn func() error) {
	s.syncLogs = func() error {
		if err := fn(); err != nil {
			return err
		}
		return s.logs.sync()
	}
}

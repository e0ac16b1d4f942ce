package ledger

// View returns the state as the transactions that the checker has accepted
// would leave it. It must not be used while Check runs.
func (c *Checker) View() Reader { return c.pending }

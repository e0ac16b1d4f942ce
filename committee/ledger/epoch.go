package ledger

import "github.com/floe-storage/floe/committee"

// turn brings the epoch as far as it has to be by now: the hand-over of shards
// ends, the next committee is chosen halfway through what follows, and at its
// end the next epoch begins. Nobody has to ask for it. It returns what changes
// for consensus. [WL] §2.6, §3.8
func (x *execution) turn(now uint64) []ValidatorUpdate {
	var updates []ValidatorUpdate
	if x.system.Deadline != 0 && x.height >= x.system.Deadline {
		x.closeHandover()
	}
	x.settle(now)
	if x.system.Phase == PhaseSettled && now >= x.system.Settled+x.params.EpochDuration/2 {
		x.selectCommittee()
	}
	if x.system.Phase == PhaseSelected && now >= x.system.Settled+x.params.EpochDuration {
		updates = x.changeEpoch(now)
		x.settle(now)
	}
	return updates
}

// settle ends the phase of the hand-over if a quorum holds what it should, or
// if nothing is open any more.
func (x *execution) settle(now uint64) {
	sys := x.system
	if sys.Phase != PhaseHandover || sys.Deadline != 0 && !committee.Quorum(committee.Weight(sys.Synced), int(x.params.Shards)) {
		return
	}
	sys.Phase, sys.Settled = PhaseSettled, now
	x.setSystem(sys)
	x.emit(HandoverEnded{Epoch: sys.Epoch, Time: now, Synced: sys.Synced})
	if sys.Epoch > firstEpoch {
		x.releaseAll(x.assignment(sys.Epoch - 1))
	}
}

// changeEpoch shares out the ended epoch's revenue and starts the next epoch
// with the committee that was chosen for it. [WL] §2.6
func (x *execution) changeEpoch(now uint64) []ValidatorUpdate {
	if x.system.Deadline != 0 {
		x.closeHandover()
	}
	ended := x.system.Epoch
	before, after := x.assignment(ended), x.assignment(ended+1)
	x.subsidize(before.Members)
	burned, carried := x.shareOut(before)

	sys := x.system
	sys.Epoch, sys.EpochStart = ended+1, now
	sys.Phase, sys.Settled = PhaseHandover, 0
	sys.Supply -= burned
	sys.Synced, sys.Deadline = 0, 0
	capacity := max(sys.Capacity, x.mostUsed())
	sys.Capacity = 0
	x.setSystem(sys)
	x.emit(EpochChanged{Epoch: sys.Epoch, Start: now, Burned: burned, Carried: carried})
	x.emptyTreasury()
	x.enact()

	if p := x.params; p.Capacity != capacity {
		p.Capacity = capacity
		x.setParams(p)
		x.emit(CapacityChanged{Epoch: sys.Epoch, Capacity: capacity})
	}
	x.openHandover(before, after)
	x.rotateKeys(after)
	x.updatePrices()
	return validators(before, after)
}

// mostUsed returns the most bytes that are sold of one epoch. The capacity
// never falls below: what was sold is kept.
func (x *execution) mostUsed() uint64 {
	var most uint64
	x.state.Ascend([]byte{keyRing}, []byte{keyRing + 1}, func(key, _ []byte) bool {
		r, err := read[ringEntry](x.state, key, "ring entry")
		sound(err)
		most = max(most, r.Used)
		return true
	})
	return most
}

// assignment returns who holds which shards in an epoch that has begun or
// whose committee is chosen.
func (x *execution) assignment(e committee.Epoch) assignment {
	a, err := readAssignment(x.state, e)
	sound(err)
	return a
}

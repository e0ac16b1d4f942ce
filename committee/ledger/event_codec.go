package ledger

func (v *BlobRegistered) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.blobID(&v.BlobID)
	c.u64(&v.Size)
	c.epoch(&v.End)
	c.bool(&v.Deletable)
	c.object(&v.Object)
	c.address(&v.Owner)
	c.object(&v.Pool)
	c.u64(&v.Deposit)
}

func (v *BlobCertified) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.blobID(&v.BlobID)
	c.epoch(&v.End)
	c.bool(&v.Deletable)
	c.object(&v.Object)
	c.bool(&v.Extension)
	c.address(&v.Owner)
	c.object(&v.Pool)
}

func (v *BlobDeleted) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.blobID(&v.BlobID)
	c.epoch(&v.End)
	c.object(&v.Object)
	c.address(&v.Owner)
	c.bool(&v.Certified)
	c.object(&v.Storage)
	c.object(&v.Pool)
}

func (v *BlobExpired) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.blobID(&v.BlobID)
	c.object(&v.Object)
	c.address(&v.Owner)
	c.object(&v.Pool)
	c.bool(&v.Certified)
}

func (v *StorageReserved) fields(c *codec) {
	c.object(&v.Object)
	c.address(&v.Owner)
	c.epoch(&v.Start)
	c.epoch(&v.End)
	c.u64(&v.Size)
}

func (v *StorageExpired) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.object(&v.Object)
	c.address(&v.Owner)
}

func (v *ObjectTransferred) fields(c *codec) {
	c.object(&v.Object)
	c.address(&v.From)
	c.address(&v.To)
}

func (v *FundsSent) fields(c *codec) {
	c.address(&v.From)
	c.address(&v.To)
	c.u64(&v.Amount)
}

func (v *RewardPaid) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.node(&v.Node)
	c.u64(&v.Amount)
	c.u64(&v.Commission)
}

func (v *EpochChanged) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.u64(&v.Start)
	c.u64(&v.Burned)
	c.u64(&v.Carried)
}

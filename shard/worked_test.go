package shard_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
)

// workedPairs is a blob of ten shards in full: primary sliver i, secondary
// sliver 9-i and their hashes.
var workedPairs = [10][4]string{
	{"77616c72757320626c6f62206964", "c2f80b0295ac0000", "e72fef473a7821fd33d556b2c2cee51481e6198fbccc8904232ae517c25b507f", "3e97b1aacf9199e3d46a777da0c6026de6aede8aeb509e53a5df0b01a5beacd2"},
	{"2076312072656772657373696f6e", "1a1e172fb6d10000", "55d5a58919276c90651042b0ec1d0d35bb1b2a929f2fa95e085989425242ee09", "c810d14be2ecb4f867ef6fb570e3d1510d4f95134e4954508f729d650756fc9c"},
	{"2074657374000000000000000000", "05f6374b8bdc0000", "eeab527996463b162b6f2a28f21f93ac8a1a7ef6c20b0a80acc7ad31da1a2a13", "a28c1e22da86bd81a26deb87e57b0bb7227ed15cdb2dc147966bc74f17fe455d"},
	{"0000000000000000000000000000", "69646f6e00000000", "db58f368d9bc3234adaa423ddfadfc96debcfa47a72d873ecb8f5207c1b6938c", "9ef0a0181da2557942b107108474b195740449a1d5c46b8e0fd553754b1a4979"},
	{"cdab9372da2a311fb51600f68aec", "6220736900000000", "4b86fc43d2e66fd8b19608c610f60ec3966ea6e586ad2ec2db597867df87dc27", "3c9195499393d232a46dce52406e3b3ab73175280daf5d9dd3d6457de88162d5"},
	{"6837e01b271832230c237a0065eb", "6c6f657300000000", "c5b7e89da87885932d161b77ca23a1958c4cdb293accbc74ab41e181896468af", "9f20dcfe4fbbc9d5598960d88001c90b0233a73114de7bd8282be45ef9346c9a"},
	{"488caad2232cc90baa07c0492983", "2062677200000000", "a43f04e88e194a04165ec3f1296ade9231306cbff75e2836f8aae574e93b44ec", "d239ba8556f4092d9367863e3c5b92b224f1013071b777ad714e1f5cbe23d4ab"},
	{"9a73e19aad088d271a2eabf6c08e", "7573726574000000", "8a77eefce6034ba2b0a4b42a794b4d079172414988c1a8c3caa66d16050c1249", "4a4047f09ff8984e745f5878aa2d2ffe16f35e1b2c3d86c012c21acb99c5cc89"},
	{"f55f56e49f1d4c484143d270d8be", "6c72312065730000", "72393788b3b8ff581ac6b69c49c317620fb8c20b1b0b2b878a2b076d3cf587c6", "8357bc92f074ffcaece752250433589806684212ba5697cfb2f37a8bd993bde7"},
	{"f5922d0de94cd01282141b50fbb8", "7761207620740000", "25dfa6027b65405b4173b0a6e6c1cbe2178a4418bdf0175dc2c37dbd75df196d", "8d78c10ebb5bccc04da95cfab8b0abdfd332f24c265a1a4d953355c99cecde7d"},
}

const workedText = "walrus blob id v1 regression test"

// worked encodes the blob of the table.
func worked(t *testing.T) (shard.Params, *shard.Metadata, []shard.SliverPair) {
	t.Helper()
	p := shardtest.MustParams(10)
	md, pairs, err := shard.Encode(p, []byte(workedText))
	if err != nil {
		t.Fatal(err)
	}
	return p, md, pairs
}

func TestWorkedExample(t *testing.T) {
	t.Parallel()
	_, md, pairs := worked(t)
	for i, want := range workedPairs {
		got := [4]string{
			hex.EncodeToString(pairs[i].Primary.Data), hex.EncodeToString(pairs[i].Secondary.Data),
			md.Hashes[i].Primary.String(), md.Hashes[i].Secondary.String(),
		}
		if got != want {
			t.Errorf("pair %d: got %v, want %v", i, got, want)
		}
		if md.Hash(shard.Secondary, shard.SliverIndex(9-i)).String() != want[3] {
			t.Errorf("pair %d: hash by sliver index differs", i)
		}
	}
	if got := md.Root().String(); got != "dc3457c94140737f55ccfba619f79c96928f3845da745142c7c8e23396eedf88" {
		t.Errorf("root: got %s", got)
	}
	if got := md.ID().String(); got != "RcU82Mwf-CFkv1LaI_2qcpANwpGUuG3TMwnVzZxD2kY" {
		t.Errorf("ID: got %s", got)
	}
}

func TestWorkedBytes(t *testing.T) {
	t.Parallel()
	p, md, pairs := worked(t)
	if got := hex.EncodeToString(bcsOf(&pairs[0].Primary)); got != "0e77616c72757320626c6f6220696402000000" {
		t.Errorf("primary sliver 0: got %s", got)
	}
	if got := hex.EncodeToString(bcsOf(&pairs[0].Secondary)); got != "08c2f80b0295ac000002000900" {
		t.Errorf("secondary sliver 9: got %s", got)
	}
	if got := hex.EncodeToString(pairs[0].Secondary.AppendTagged(nil)); got != "0108c2f80b0295ac000002000900" {
		t.Errorf("tagged secondary sliver 9: got %s", got)
	}
	b, _ := md.AppendBinary(nil)
	if len(b) != 671 || p.MetadataSize() != 671 {
		t.Errorf("metadata: got %d bytes, MetadataSize %d, want 671", len(b), p.MetadataSize())
	}
	if got := hex.EncodeToString(b[:15]); got != "000121000000000000000a01e72fef" {
		t.Errorf("metadata starts %s", got)
	}
	if got := sha256.Sum256(b); hex.EncodeToString(got[:]) != "65902e14c6215ea949ba8ef93bf22de7f861863a6b360d32bd9bec13c945cd9d" {
		t.Errorf("metadata: got SHA-256 %x", got)
	}
	withID, _ := md.ID().AppendBinary(nil)
	withID = append(withID, b...)
	if got := sha256.Sum256(withID); hex.EncodeToString(got[:]) != "77a0ee6542bfabb3d30ae155215611bb75cb1596c07b7f63fcc85b38bd45c799" {
		t.Errorf("metadata with ID: got SHA-256 %x", got)
	}
	if len(withID) != 703 || withID[33] != 1 {
		t.Errorf("metadata with ID: %d bytes, encoding type %d", len(withID), withID[33])
	}
}

func TestWorkedRecoverySymbols(t *testing.T) {
	t.Parallel()
	p, md, pairs := worked(t)
	source := pairs[0].Secondary // secondary sliver 9
	syms, err := shard.ProvenSymbols(p, source, []shard.SliverIndex{9, 3})
	if err != nil {
		t.Fatal(err)
	}
	node := func(h string) string { return "01" + h }
	wants := []string{
		"0900" + "029d6d" + "04" + node("3709121882e4109062a6261aed40e877bbf94b22620d6b79dad47e22cba63482") + "0000" +
			node("d243dd51fe3579d023b2ffca6083eba296db664c10a7fa5e018a6fc03c9cb559"),
		"0900" + "020000" + "04" + node("a7baf33b79c8d0dcb47186a5283d930938af7fabc6d9c7f60e57b42be9229700") +
			node("f74f2bbd0906e84646bd1cd9ab0c6a604edde6e629e24bda4ff0371cf49b51d7") +
			node("84ebb88cc72253fc7e368f8021b6f84f67b569706574e2aa76018624543a3ab3") +
			node("f6f9dcdf3c6d302a1de59e634280943ae51a547ae6febdbd5afa2d108d51296b"),
	}
	for i, want := range wants {
		b, _ := syms[i].AppendBinary(nil)
		if got := hex.EncodeToString(b); got != want {
			t.Errorf("symbol %d: got %s, want %s", i, got, want)
		}
		if err := shard.VerifySymbol(p, md, shard.Primary, []shard.SliverIndex{9, 3}[i], syms[i]); err != nil {
			t.Error(err)
		}
	}
	// Row 9 in full, as primary sliver 9 gives it.
	all := make([]shard.SliverIndex, 10)
	for i := range all {
		all[i] = shard.SliverIndex(i)
	}
	row, err := shard.Symbols(p, pairs[9].Primary, all)
	if err != nil {
		t.Fatal(err)
	}
	var cells []string
	for _, c := range row {
		cells = append(cells, hex.EncodeToString(c))
	}
	if got := strings.Join(cells, " "); got != "f592 2d0d e94c d012 8214 1b50 fbb8 0f23 874d 9d6d" {
		t.Errorf("row 9: got %s", got)
	}
}

func TestFixtureMetadata(t *testing.T) {
	t.Parallel()
	md := shard.Metadata{Size: 62831}
	for i := range 10 {
		h := shard.Hash([]byte(strings.Repeat(string(rune(i)), 32)))
		md.Hashes = append(md.Hashes, shard.PairHashes{Primary: h, Secondary: h})
	}
	if got := md.Root().String(); got != "ee11b28d26e397adecbc226de9738e4e9561d48e9a7dc816c1701f696fccec33" {
		t.Errorf("root: got %s", got)
	}
	if got := md.ID().String(); got != "Kzx3MpKXCfS3QkVecQujG5rsWwSw1M_w72l9MCFYhtg" {
		t.Errorf("ID: got %s", got)
	}
	if err := md.Verify(shardtest.MustParams(10), md.ID()); err != nil {
		t.Error(err)
	}
}

// A thousand shards; blob[i] = i+seed, unless it says otherwise.
func TestThousandShards(t *testing.T) {
	t.Parallel()
	p := shardtest.MustParams(1000)
	tests := []struct {
		blob []byte
		want string
	}{
		{shardtest.Ramp(1, 100), "5a9PFTKPcQ4DbDE-2MDwT5B38qkTxhHaKgfM1xKzmU4"},
		{shardtest.Ramp(42, 10000), "DT8sosEzCz5bWLenUKGdt7j5zmIvlw5snOECpXQViII"},
		{shardtest.Ramp(123, 100000), "5mAQjSq3hwcpxdqrIPL9ACnCJuTNt3fS_E6TCOZQntM"},
		{shardtest.Ramp(99, 1000), "Awsf2iRisVKjbkFBLliw4KM3xyfctH4SCe5s8-SltiM"},
		{shardtest.Ramp(1, 1000), "vC09PBIQ9EstpEGqnvkCyy-xvLnFj_WtCwEmJ0u64AE"},
		{shardtest.Ramp(2, 1000), "WIBSlunwMJPdsJtA-_IszS8TrsN39s1VTPBbgEEtDFI"},
		{nil, "3GPQL3HZNnFhN_F7l5Aa-X1VOtAKwIsg9zuWk8R81v4"},
		{shardtest.Ramp(42, 500), "LMmd4BFEy9l5kUHKZb-qVO3BtAbvv-3aOIwEvvWzgLU"},
		{shardtest.Ramp(77, 5000), "Xv-WEizkm0ZowfMHxhBd4o-xfCyODJj2TgsUOX2EPPU"},
		{shardtest.Ramp(5, 1000), "xOyQIKpbFfUifGbAAMh-YYNCLGOMgtdLItu-UHb5tF0"},
		{shardtest.Ramp(55, 500), "OAbh4OKSH3UAplgPok8_sz0C54IabPrOD4HR7-WyUZI"},
		{[]byte{42}, "0niAAmr9-Q_YFFeP-P6wFZtbwUhk-b7hPwAfCPvW2VE"},
		{shardtest.Ramp(64, 64), "pF3O9UP27CNCii7tgZk1XXNdjvp12h7s3576OvY-JZ8"},
		{shardtest.Ramp(256, 256), "sji4t0yWFfIq1h2GqpfrWcCZqtf0MneRIxpQmBL42k0"},
		{shardtest.Ramp(1024, 1024), "Y7I3MQ2INptonwwvnMInAO8PTxIzVI1Haqrwmv06h5c"},
		{shardtest.Ramp(4096, 4096), "hxwiGUrFX3dLC6I_zpMq8XBUpA1iT_RK_q2Tf1b3f6s"},
		{make([]byte, 1000), "rJL4lspyN0zWTbMDnPGLIJSPbLBeCplfOuyIm05AhdU"},
		{[]byte(strings.Repeat("\xff", 1000)), "8mzGoDlAnqk6s5W2teu28iilOet8TJ_8O4Mwc2jQMkE"},
		{shardtest.Ramp(0, 10), "hlykhHkQSpvcE299ZzC385IAEuzLTpm6hUC5Njdm4JM"},
	}
	if testing.Short() {
		tests = tests[:1]
	}
	for _, tt := range tests {
		md, err := shard.ComputeMetadata(p, tt.blob)
		if err != nil {
			t.Fatal(err)
		}
		if got := md.ID().String(); got != tt.want {
			t.Errorf("%d bytes: got %s, want %s", len(tt.blob), got, tt.want)
		}
	}
}

// The bytes 01 02 03 in networks of many sizes.
func TestSmallBlobIDs(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		4:  "1aad66be0173518347207bc01f3ee57e8670d478cee020cc50b00a165b3446c4",
		5:  "098cc3d3f3307f99f1d7ad58f4867853b740070cd4f891920389bc5b35e2b08f",
		6:  "a2c7c6bffe164ed1edc72167b5ad1d07de3125953699ccf319abd0d970787be7",
		7:  "af91d69bf7ba6262b8601e074f6c85ed75d97534bd43b070e93c1a4bca64b405",
		9:  "b4af3bd635475d0f51deedfdc663e0e5e5e11eb2121bab662b32c61082589792",
		13: "7806fa52e4cd8340532a55c1a08aa99317fdec5cd1defa4ffd8ea0728c53e005",
		25: "507db526d0e0f72d03c3467a445f1831256f56eb901b5a900b6f6249a50e83a1",
	} {
		md, err := shard.ComputeMetadata(shardtest.MustParams(n), []byte{1, 2, 3})
		if err != nil {
			t.Fatal(err)
		}
		if id := md.ID(); hex.EncodeToString(id[:]) != want {
			t.Errorf("n=%d: got %x, want %s", n, id[:], want)
		}
	}
}

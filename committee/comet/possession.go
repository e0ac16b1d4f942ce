package comet

import "fmt"

// ProvePossession signs a message with the key with which the node in dir signs
// blocks. The message must not be of a form that consensus signs: those begin
// with their length and then the byte 0x08, and are refused.
func ProvePossession(dir string, message []byte) (signature [64]byte, err error) {
	const lead = 3 // bytes in which a length is followed by the first field of a vote
	for i := 1; i < min(len(message), lead); i++ {
		if message[i] == 0x08 {
			return signature, fmt.Errorf("comet: %q could be taken for a vote", message[:i+1])
		}
	}
	signer, err := loadSigner(dir)
	if err != nil {
		return signature, err
	}
	b, err := signer.Key.PrivKey.Sign(message)
	if err != nil {
		return signature, fmt.Errorf("sign with consensus key: %w", err)
	}
	copy(signature[:], b)
	return signature, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/committee/proof"
	"github.com/floe-storage/floe/node/client"
)

func (a *app) proofCommand() *cobra.Command {
	return a.group("proof", "prove without a network that a blob is available", `A proof of availability is a file of some kilobytes by which anybody who believes a
trust root can check, without a network, that the storage nodes have confirmed to
hold a blob, and until when.`,
		a.proofExportCommand(), a.proofVerifyCommand())
}

func (a *app) proofExportCommand() *cobra.Command {
	var net network
	var out string
	cmd := &cobra.Command{
		Use:   "export BLOB -o FILE",
		Short: "write a proof that a blob is available",
		Long: `export writes the proof for a blob object, or for the object of a blob ID that lasts
longest, to a file that appears only when all is there. It is checked against the
trust root first, and what it proves is printed as by floe proof verify.` + exitHelp(exitNotFound, exitUnavailable, exitWrongNetwork, exitProof),
		Args: exactArgs(1, "a blob"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ref, err := parseBlobRef(args[0])
			if err != nil {
				return err
			}
			if out == "" {
				return usageError{errors.New("-o is missing"), "name the file to write the proof to"}
			}
			ctx, cancel, err := net.begin(cmd.Context(), a)
			if err != nil {
				return err
			}
			defer cancel()
			return a.exportProof(ctx, &net, ref, out)
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "file to write")
	net.addFlags(cmd, false)
	return cmd
}

func (a *app) exportProof(ctx context.Context, net *network, ref blobRef, path string) (err error) {
	out, err := createOutput(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	session, err := net.dial(ctx, a, false)
	if err != nil {
		return err
	}
	defer session.Close() //nolint:errcheck // nothing was written through it
	if net.root.IsZero() {
		return usageError{errors.New("there is nothing to prove it against"), "name a trust root with --trust"}
	}
	object, err := ref.strongest(ctx, session)
	if err != nil {
		return err
	}
	file, err := proof.Export(ctx, session.Ledger, object)
	if err != nil {
		return err
	}
	proven, err := proof.Verify(file, net.root, time.Now())
	if err != nil {
		return badProofError{err}
	}
	if err := out.commit(file); err != nil {
		return err
	}
	a.say("%s written to %s", size(uint64(len(file))), path)
	return a.print(proofAnswer(proven))
}

// strongest returns the object that is meant, whoever owns it.
func (b blobRef) strongest(ctx context.Context, s *client.Session) (committee.ObjectID, error) {
	if b.blob.IsZero() {
		return b.object, nil
	}
	status, err := s.Status(ctx, b.blob)
	if err == nil && status.Kind == ledger.StatusNone {
		err = fmt.Errorf("blob %v: %w", b.blob, client.ErrNotFound)
	}
	return status.Blob.ID, err
}

func (a *app) proofVerifyCommand() *cobra.Command {
	var trust, at string
	cmd := &cobra.Command{
		Use:   "verify FILE|- --trust ROOT",
		Short: "check a proof without a network",
		Long: `verify checks a proof of availability, and prints what it proves: that the blob was
available at that time, and until which epoch it is paid for. - reads standard
input. It touches no network and believes nothing but the trust root, which looks
like chain@height:hash; the default is FLOE_TRUST, then that of the devnet that was
started last. Names and values go to standard output, with --json as one object.

A root is good for two weeks from its time on. --at says when the file is known to
have existed, for who has evidence of that; otherwise it is now.` + exitHelp(exitNotFound, exitProof),
		Args: exactArgs(1, "one file"),
		RunE: func(_ *cobra.Command, args []string) error {
			root, err := a.trustRoot(trust)
			if err != nil {
				return err
			}
			when := time.Now()
			if at != "" {
				if when, err = time.Parse(time.RFC3339, at); err != nil {
					return usageError{fmt.Errorf("--at %q is no time", at), "write it as 2030-01-31T12:00:00Z"}
				}
			}
			in, err := a.openInput(args[0])
			if err != nil {
				return err
			}
			defer in.Close() //nolint:errcheck // read only
			file, err := io.ReadAll(io.LimitReader(in, proof.MaxSize+1))
			if err != nil {
				return fmt.Errorf("read %s: %w", in.name, err)
			}
			proven, err := proof.Verify(file, root, when)
			if err != nil {
				return badProofError{fmt.Errorf("%s: %w", in.name, err)}
			}
			return a.print(proofAnswer(proven))
		},
	}
	cmd.Flags().StringVar(&trust, "trust", "", "trust root to check the proof against")
	cmd.Flags().StringVar(&at, "at", "", "when the file is known to have existed (default: now)")
	return cmd
}

// badProofError says that a proof does not hold.
type badProofError struct{ error }

func (e badProofError) Unwrap() error { return e.error }

// hint says what to do about a proof that does not hold, "" if there is nothing.
func (e badProofError) hint() string {
	switch {
	case errors.Is(e, light.ErrExpired):
		return "get a newer root and a newer proof, or say with --at when the file existed if you have evidence of that"
	case errors.Is(e, light.ErrClock):
		return "set this machine's clock"
	case errors.Is(e, light.ErrRoot):
		return "check that the root is of the network that the proof is of"
	}
	return ""
}

func proofAnswer(p proof.Availability) answer {
	return answer{toRecord(p), func(w io.Writer) {
		kind := "permanent: nobody can end it before"
		if p.Deletable {
			kind = "deletable: its owner may end it before"
		}
		row(w, "blob", p.BlobID)
		row(w, "size", size(p.Size))
		row(w, "available", fmt.Sprintf("in epoch %d of network %s, at height %d, %s", p.Epoch, p.ChainID, p.Height, p.Time.UTC().Format(time.RFC3339)))
		row(w, "until", fmt.Sprintf("the start of epoch %d", p.End))
		row(w, "kind", kind)
		row(w, "signed", fmt.Sprintf("by the holders of %d of %d shards in epoch %d, recorded at height %d", p.Signed, p.Shards, p.Certified, p.Point.Height))
		row(w, "object", p.Object)
		row(w, "owner", p.Owner)
	}}
}

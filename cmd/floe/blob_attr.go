package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/ledger"
)

func (a *app) blobAttrCommand() *cobra.Command {
	return a.group("attr", "put texts on a blob object", fmt.Sprintf(`The owner of a blob object may put up to %d attributes on it, each a key and a
value. They are no part of the blob and of its ID.`, ledger.MaxAttributes),
		a.attrListCommand(), a.attrSetCommand(), a.attrRemoveCommand())
}

func (a *app) attrListCommand() *cobra.Command {
	return a.query(query{
		use:   "list BLOB",
		short: "list the attributes of a blob object",
		long: `list prints the attributes of a blob object, KEY=VALUE, one line each; with --json
one object with a list. A blob ID stands for the object of it that lasts longest.`,
		args: 1, takes: "a blob",
		codes: []int{exitNotFound},
		check: func(args []string) error {
			_, err := parseBlobRef(args[0])
			return err
		},
		ask: func(r ledger.Reader, in asked) (answer, error) {
			_, pairs, err := blobWithAttributes(r, in.args[0])
			return answer{record{{"attributes", attributeList(pairs)}}, func(w io.Writer) {
				for _, p := range pairs {
					row(w, p.Key+"="+p.Value)
				}
			}}, err
		},
	})
}

func (a *app) attrSetCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "set BLOB KEY=VALUE…",
		short: "set attributes of a blob object",
		long:  `set puts attributes on a blob object of the account, anew or over what is there.`,
		args:  -ledger.MaxAttributes - 1, takes: "a blob and attributes",
		prepare: func(args []string) (planner, error) {
			var pairs []ledger.Attribute
			for _, text := range args[1:] {
				key, value, ok := strings.Cut(text, "=")
				if !ok || key == "" {
					return nil, usageError{fmt.Errorf("attribute %q is no KEY=VALUE", text), "such as name=holiday.jpg"}
				}
				pairs = append(pairs, ledger.Attribute{Key: key, Value: value})
			}
			if len(pairs) == 0 {
				return nil, usageError{fmt.Errorf("no attributes to set"), "write them as KEY=VALUE after the blob"}
			}
			return onBlob(args[0], blobOrder{
				does: fmt.Sprintf("set %d attributes of blob object %%v", len(pairs)), fits: unshared,
				message: func(r ledger.Ref) ledger.Message {
					return ledger.SetAttributes{Blob: r, Set: pairs}
				},
			})
		},
	})
}

func (a *app) attrRemoveCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "remove BLOB KEY…",
		short: "remove attributes of a blob object",
		long:  `remove takes attributes, which must be there, from a blob object of the account.`,
		args:  -ledger.MaxAttributes - 1, takes: "a blob and keys",
		prepare: func(args []string) (planner, error) {
			if len(args) < 2 {
				return nil, usageError{fmt.Errorf("no attributes to remove"), "write their keys after the blob"}
			}
			return onBlob(args[0], blobOrder{
				does: fmt.Sprintf("remove %d attributes of blob object %%v", len(args)-1), fits: unshared,
				message: func(r ledger.Ref) ledger.Message {
					return ledger.SetAttributes{Blob: r, Remove: args[1:]}
				},
			})
		},
	})
}

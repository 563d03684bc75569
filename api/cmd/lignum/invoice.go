package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"lignum/billing/books"
	"lignum/billing/verify"
	"lignum/tenants"
)

func invoiceCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "invoice", Short: "Check invoices, and write what they follow from"}
	cmd.AddCommand(invoiceVerify(), invoiceEvidence())
	return cmd
}

// mostEvidence is the largest file of evidence that is read, in bytes: a country's school year, fact by fact, is a third of it.
const mostEvidence = 1 << 30

func invoiceVerify() *cobra.Command {
	var hash string
	cmd := &cobra.Command{Use: "verify FILE", Short: "Compute an invoice again from its evidence, offline", Args: cobra.ExactArgs(1),
		Long: `Compute an invoice again from the file of its evidence, and tell each line and field that differs. Nothing but the file is read: no database, no
network, no settings. It is computed by a program of its own (billing/verify), which shares nothing with the one that wrote the invoice.

The SHA-256 that is printed is the file's; it must be the one that stands at the end of the printed invoice. With --hash it is compared here.

Exit status: 0, the invoice is right to the minor unit; 1, something differs; 2, the file cannot be read as evidence.`,
		Example: "  lignum invoice verify LL-000042.json\n  lignum invoice verify LL-000042.json --hash 3b1f...",
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := readEvidence(args[0])
			if err != nil {
				return exit{2, err}
			}
			r, err := verify.Check(file)
			if err != nil {
				return exit{2, fmt.Errorf("%s: %w", args[0], err)}
			}
			return tellReport(cmd.OutOrStdout(), r, strings.ToLower(strings.TrimSpace(hash)))
		}}
	cmd.Flags().StringVar(&hash, "hash", "", "SHA-256 that stands on the printed invoice")
	return cmd
}

func readEvidence(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	file, err := io.ReadAll(io.LimitReader(f, mostEvidence+1))
	if err == nil && len(file) > mostEvidence {
		err = fmt.Errorf("%s is larger than %d MB", name, mostEvidence>>20)
	}
	return file, err
}

// tellReport prints what came out. It gives an error with status 1 when the invoice is not what its evidence comes to.
func tellReport(out io.Writer, r verify.Report, hash string) error {
	fmt.Fprintf(out, "invoice   %s\nissued by %s\nto        %s\ntotal     %s %s\ncomputed  %d lines from %d facts\nSHA-256   %s\n", r.Number, r.Issuer, r.Customer, r.Currency, r.Total, r.Lines, r.Facts, r.Hash)
	for _, d := range r.Differences {
		where := d.Field
		if d.Line != "" {
			where += " (" + d.Line + ")"
		}
		fmt.Fprintf(out, "differs   %s: is %s, comes to %s\n", where, orNothing(d.Is), orNothing(d.Should))
	}
	switch {
	case len(r.Differences) > 0:
		return exit{1, fmt.Errorf("%d places differ: this is not the invoice that its evidence comes to", len(r.Differences))}
	case hash != "" && hash != r.Hash:
		return exit{1, errors.New("the invoice follows from this file, but the SHA-256 on the printed invoice is another: it was printed from another file")}
	}
	fmt.Fprintln(out, "right     every line, tax and the total, to the minor unit")
	return nil
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

func invoiceEvidence() *cobra.Command {
	return &cobra.Command{Use: "evidence NUMBER", Short: "Write the facts, plans and tax rates that an invoice follows from", Args: cobra.ExactArgs(1),
		Long:    "Write the file of evidence of an issued invoice to the standard output, as it was when it was issued: JSON from which `lignum invoice verify` computes the invoice again, offline.",
		Example: "  lignum invoice evidence LL-000042 > LL-000042.json\n  lignum invoice verify LL-000042.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return inRealm(cmd, "platform", func(ctx context.Context, in opened) error {
				var file []byte
				if err := in.db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
					file, err = books.Evidence(ctx, r, args[0])
					return err
				}); err != nil {
					return err
				}
				_, err := cmd.OutOrStdout().Write(file)
				return err
			})
		}}
}

// Command lignum is the whole platform in one binary: it serves, migrates, provisions, imports and explains. Each
// command is in a file of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"lignum/domain"
	"lignum/infra/localcluster"
	"lignum/infra/timerslack"
)

func main() {
	localcluster.SuperviseIfAsked()
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		timerslack.Allow()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "lignum: "+explain(err))
		os.Exit(status(err))
	}
}

// exit is an error with which the program ends with a status of its own, for scripts.
type exit struct {
	status int
	error
}

func (e exit) Unwrap() error { return e.error }

// status is what the program ends with after an error: 1, unless the command says otherwise.
func status(err error) int {
	var e exit
	if errors.As(err, &e) {
		return e.status
	}
	return 1
}

func run(ctx context.Context, args []string) error {
	root := &cobra.Command{Use: "lignum", Short: "The e-learning platform of many countries: one program, every task",
		SilenceUsage: true, SilenceErrors: true, CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true}}
	root.AddCommand(commands()...)
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// explain shows every field of an invalid input on a line of its own.
func explain(err error) string {
	var d *domain.Error
	if !errors.As(err, &d) {
		return err.Error()
	}
	text := d.Message.String()
	for _, f := range d.Fields {
		text += "\n  - " + f.Name + ": " + f.Reason.String()
	}
	if d.Cause != nil {
		text += "\n  cause: " + d.Cause.Error()
	}
	return text
}

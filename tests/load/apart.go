package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// Apart is a client in a process of its own. Whose waiting is measured shares no process with who makes the noise, as people on different
// machines do not: in one process an answer that has come waits until the scheduler of that process has served the noise before it, and what
// is told of the server is half the client's.
type Apart struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	send *json.Encoder
	read *json.Decoder
}

// order is what a client is asked for: Calls in turn, again and again, so many a second.
type order struct {
	PerSecond float64
	Length    time.Duration
	Calls     []Call
}

type outcome struct {
	Tally *Tally
	First string
}

// StartApart starts a command that calls ServeApart. It ends with Close, or with ctx.
func StartApart(ctx context.Context, command string, args ...string) (*Apart, error) {
	a := &Apart{cmd: exec.CommandContext(ctx, command, args...)}
	a.cmd.Stderr = os.Stderr
	var err error
	if a.in, err = a.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	a.send, a.read = json.NewEncoder(a.in), json.NewDecoder(out)
	return a, a.cmd.Start()
}

// Steady is what Steady does, of calls in turn, over there.
func (a *Apart) Steady(perSecond float64, length time.Duration, calls []Call) (*Tally, error) {
	var o outcome
	if err := errors.Join(a.send.Encode(order{perSecond, length, calls}), a.read.Decode(&o)); err != nil {
		return nil, fmt.Errorf("the client apart: %w", err)
	}
	o.Tally.first = o.First
	return o.Tally, nil
}

// Close ends the process.
func (a *Apart) Close() error { return errors.Join(a.in.Close(), a.cmd.Wait()) }

// ServeApart is the other side: it does what it is told on in and tells on out what came back, until in ends.
func ServeApart(ctx context.Context, c *Client, connections int, in io.Reader, out io.Writer) error {
	orders, tell := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var o order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		t := Steady(ctx, c, o.PerSecond, o.Length, connections, func(n int) Call { return o.Calls[n%len(o.Calls)] })
		if err := tell.Encode(outcome{t, t.first}); err != nil {
			return err
		}
	}
}

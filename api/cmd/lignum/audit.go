package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

func auditCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "Read the audit trail"}
	cmd.AddCommand(auditTail())
	return cmd
}

// How --follow looks: every two seconds, at the last minute. An entry gets its id before its transaction is stored, and
// clocks differ, so one that is older than the last one shown may still come.
const (
	followEvery  = 2 * time.Second
	followWindow = time.Minute
)

func auditTail() *cobra.Command {
	var filter tenants.TrailFilter
	var n int
	var actor string
	var follow, asJSON bool
	cmd := &cobra.Command{Use: "tail REALM", Short: "Show the last entries of a realm's audit trail, the newest at the end", Args: cobra.ExactArgs(1),
		Long:    "Show the last entries of the audit trail of a tenant (its slug) or of the platform, the newest at the end.",
		Example: "  lignum audit tail jamaica -n 50 --action sign_in.\n  lignum audit tail platform --follow --json\n  lignum audit tail jamaica --actor j.clarke --outcome refused",
		RunE: func(cmd *cobra.Command, args []string) error {
			if n < 0 || n > 10_000 {
				return errors.New("-n must be 0 to 10000")
			}
			return inRealm(cmd, args[0], func(ctx context.Context, in opened) error {
				t := &tail{opened: in, filter: filter, print: entryLine(cmd.OutOrStdout(), in, asJSON), shown: map[uuid.UUID]time.Time{}}
				if actor != "" {
					if err := t.by(ctx, actor); err != nil {
						return err
					}
				}
				if follow {
					return t.follow(ctx, n, cmd.ErrOrStderr())
				}
				return t.last(ctx, n)
			})
		}}
	f := cmd.Flags()
	f.IntVarP(&n, "lines", "n", 20, "how many entries")
	f.BoolVarP(&follow, "follow", "f", false, "go on with new entries until Ctrl-C")
	f.StringVar(&filter.Action, "action", "", "such as class.register; with a final point all that begin so: sign_in.")
	f.StringVar(&actor, "actor", "", "user name or id of who did it")
	f.StringVar(&filter.Outcome, "outcome", "", "done or refused")
	f.BoolVar(&asJSON, "json", false, "print one JSON object a line, with what was before and after")
	return cmd
}

// tail shows a trail.
type tail struct {
	opened
	filter tenants.TrailFilter
	print  func(audit.Stored) error
	shown  map[uuid.UUID]time.Time // of the last minutes
}

// by narrows the trail to one account of the realm.
func (t *tail) by(ctx context.Context, actor string) error {
	if id, err := uuid.Parse(actor); err == nil {
		t.filter.ActorID = id
		return nil
	}
	return t.db.ReadFresh(ctx, func(r *tenants.Reader) error {
		ids, err := userIDs(ctx, r, "--actor", actor)
		if err == nil {
			t.filter.ActorID = ids[0]
		}
		return err
	})
}

// read returns at most n entries that the filter takes, the newest first, page by page.
func (t *tail) read(ctx context.Context, f tenants.TrailFilter, n int) (list []audit.Stored, err error) {
	err = t.db.ReadFresh(ctx, func(r *tenants.Reader) error {
		for len(list) < n {
			f.Limit = min(n-len(list), 200)
			page, more, err := tenants.Trail(ctx, r, f)
			if err != nil {
				return err
			}
			list = append(list, page...)
			if !more {
				return nil
			}
			f.Before = page[len(page)-1].ID
		}
		return nil
	})
	return list, err
}

func (t *tail) last(ctx context.Context, n int) error {
	list, err := t.read(ctx, t.filter, n)
	if err != nil {
		return err
	}
	return t.show(list)
}

// show prints entries that were not shown yet, the oldest first.
func (t *tail) show(list []audit.Stored) error {
	for _, e := range slices.Backward(list) {
		if _, done := t.shown[e.ID]; done {
			continue
		}
		t.shown[e.ID] = e.At
		if err := t.print(e); err != nil {
			return err
		}
	}
	return nil
}

// recent reads what the window holds. Ten thousand in it are more than anybody reads.
func (t *tail) recent(ctx context.Context) ([]audit.Stored, error) {
	f := t.filter
	f.From = time.Now().Add(-followWindow)
	return t.read(ctx, f, 10_000)
}

func (t *tail) follow(ctx context.Context, n int, errOut io.Writer) error {
	before, err := t.recent(ctx)
	if err != nil {
		return err
	}
	last, err := t.read(ctx, t.filter, n)
	if err != nil {
		return err
	}
	for _, e := range before { // older than the last n: not asked for
		if !slices.ContainsFunc(last, func(l audit.Stored) bool { return l.ID == e.ID }) {
			t.shown[e.ID] = e.At
		}
	}
	if err := t.show(last); err != nil {
		return err
	}
	for tick := time.NewTicker(followEvery); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		list, err := t.recent(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // Ctrl-C is how it ends
		case domain.CodeOf(err) == domain.Unavailable:
			fmt.Fprintln(errOut, "lignum: the database is away for a moment; trying on")
			continue
		case err != nil:
			return err
		}
		if err := t.show(list); err != nil {
			return err
		}
		t.forget()
	}
}

// forget drops what cannot come again.
func (t *tail) forget() {
	for id, at := range t.shown {
		if time.Since(at) > 2*followWindow {
			delete(t.shown, id)
		}
	}
}

// entryLine prints one entry on one line: when, who, what, to what, and why.
func entryLine(out io.Writer, in opened, asJSON bool) func(audit.Stored) error {
	if asJSON {
		return func(e audit.Stored) error { return domain.WriteJSON(out, e, "") }
	}
	zone := time.UTC
	if in.tenant != nil {
		zone = in.tenant.Location()
	}
	return func(e audit.Stored) error {
		who := e.ActorName
		switch {
		case e.ActorErased:
			who = "somebody who was erased"
		case who == "":
			who = "the platform itself"
		}
		line := fmt.Sprintf("%s  %-7s  %-28s  %s", e.At.In(zone).Format("2006-01-02 15:04:05 MST"), e.Outcome, e.Action, who)
		if e.ActorRealm != in.db.Realm().Name() {
			line += " of " + e.ActorRealm
		}
		if e.ObjectKind != "" {
			line += "  " + e.ObjectKind + " " + e.ObjectID
		}
		if e.ContentErased {
			line += "  (erased with the person)"
		}
		if e.Reason != "" {
			line += "  (" + e.Reason + ")"
		}
		_, err := fmt.Fprintln(out, plain(line))
		return err
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"lignum/api"
	"lignum/api/areas"
	"lignum/api/console"
	jobsapi "lignum/api/jobs"
	"lignum/api/portal"
	"lignum/billing/books"
	"lignum/domain/calendar"
	"lignum/domain/people"
	"lignum/infra/memory"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/jobs"
	"lignum/tenants/mail"
)

func serveCommand() *cobra.Command {
	return &cobra.Command{Use: "serve", Short: "Serve the API and the pages, configured by environment", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := open()
			if err != nil {
				return err
			}
			defer in.store.Close()
			ln, err := listen(in.cfg)
			if err != nil {
				return err
			}
			return in.serve(cmd.Context(), ln)
		}}
}

// serve answers until ctx ends.
func (in *installation) serve(ctx context.Context, ln net.Listener) error {
	var err error
	if in.memory, err = memory.Find(in.cfg.MemoryBytes()); err != nil {
		return err
	}
	in.memory.Hold()
	in.log.Info("memory that may be used", "bytes", in.memory.Total, "held_by_go", in.memory.Go, "said_by", in.memory.Source)
	if in.provisioner != nil {
		if _, err := in.provisioner.Repair(ctx, operator()); err != nil {
			in.log.Warn("database roles could not be looked at", "err", err)
		}
	}
	server, registry, err := in.server(ctx)
	if err != nil {
		return err
	}
	process, err := tenants.Join(ctx, in.store, registry, processName(), tenants.Capacity{Cores: in.cfg.Cores(), Pooler: in.cfg.PoolerMost}, in.log)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		if err := process.Leave(ctx); err != nil { // the others find out by its silence
			in.log.Warn("the other processes could not be told that this one ends", "err", err)
		}
	}()
	metrics, err := net.Listen("tcp", in.cfg.MetricsListen)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	post, err := in.post(registry)
	if err != nil {
		return err
	}
	defer post.Close()
	works, err := jobs.Start(ctx, jobs.Deps{Store: in.store, Registry: registry, Process: process, Login: tenants.JobsLogin(in.cfg.Installation), Kinds: jobsapi.Table(server.Exams, server.Files, server.Rules, post, in.provisioner), Begins: calendar.Begins,
		Log: in.log, Done: server.JobDone})
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	returns, err := in.returns(ctx, registry)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	if returns != nil {
		group.Go(func() error {
			returns.Run(ctx)
			return nil
		})
	}
	group.Go(func() error { return server.Serve(ctx, ln) })
	group.Go(func() error { return server.ServeMetrics(ctx, metrics) })
	group.Go(func() error { // together with the requests under way
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), in.cfg.DrainTime)
		defer cancel()
		if err := works.Stop(last); err != nil { // others take up what was not done
			in.log.Warn("not all jobs ended in time", "err", err)
		}
		return nil
	})
	return group.Wait()
}

// post is what sends letters.
func (in *installation) post(registry *tenants.Registry) (*mail.Post, error) {
	if in.cfg.MailServer == "" {
		return nil, errors.New("LIGNUM_MAIL_SERVER must say who takes letters: smtp://HOST:587, smtps://HOST:465, or off")
	}
	post, err := mail.NewPost(mail.Settings{Server: in.cfg.MailServer, User: in.cfg.MailUser, Password: in.cfg.MailPassword, Region: in.cfg.MailRegion, From: in.cfg.MailFrom}, func(t *tenants.Tenant) string {
		if t == nil {
			return in.cfg.URL(registry.Host(""))
		}
		return in.cfg.URL(registry.Host(t.Slug))
	})
	if err != nil {
		return nil, fmt.Errorf("LIGNUM_MAIL_SERVER, LIGNUM_MAIL_FROM: %w", err)
	}
	post.RolesOf = people.RolesOf
	post.Papers = books.ReadPaper
	return post, nil
}

// returns is what takes letters that came back out of a queue; nil: there is none.
func (in *installation) returns(ctx context.Context, registry *tenants.Registry) (*mail.Returns, error) {
	if in.cfg.MailReturns == "" {
		return nil, nil
	}
	returns, err := mail.NewReturns(ctx, in.cfg.MailReturns, func(realm string) (*tenants.DB, error) {
		if realm == "platform" {
			return registry.Platform(), nil
		}
		t, err := registry.Tenant(realm)
		if err != nil {
			return nil, err
		}
		return in.store.DB(t.Realm()), nil
	}, in.log)
	if err != nil {
		return nil, fmt.Errorf("LIGNUM_MAIL_RETURNS: %w", err)
	}
	return returns, nil
}

// processName is what people find this process by.
func processName() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s %d", host, os.Getpid())
}

// server puts the parts together.
func (in *installation) server(ctx context.Context) (*api.Server, *tenants.Registry, error) {
	registry, err := in.registry(ctx)
	if err != nil {
		return nil, nil, err
	}
	rules, err := policy.NewEngine(nil)
	if err != nil {
		return nil, nil, err
	}
	bucket, err := in.bucket(ctx)
	if err != nil {
		return nil, nil, err
	}
	server, err := api.New(api.Deps{Files: bucket, Mailbox: in.mailbox, Config: in.cfg, Store: in.store, Registry: registry, Rules: rules, Provisioner: in.provisioner, Log: in.log, Version: versionText(), Memory: in.memory})
	if err != nil {
		return nil, nil, err
	}
	areas.Register(server)
	portal.Register(server)
	console.Register(server)
	return server, registry, nil
}
